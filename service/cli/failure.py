"""What a failed command says."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from rich.text import Text

from service.cli.screen import errors
from service.cli.session import Session
from service.contracts.errors import ArchduelError

DEBUG = "ARCHDUEL_DEBUG"
"""Set to 1, an unexpected error prints its traceback instead of writing it to a file."""


def say_stopped(text: str) -> None:
    """Say that the user stopped the command."""
    _line("stopped", text or "nothing was left running", "bold yellow")


def say_refused(command: str, text: str) -> None:
    """Say what is wrong with a command line.

    Args:
        command: the command as far as it was understood, "archduel run".
        text: Typer's words.
    """
    _line("error", f"{command}: {text.strip().rstrip('.')}; {command} -h tells more")


def explain(error: Exception, session: Session | None) -> int:
    """Say what went wrong in one line.

    Args:
        error: what a command raised.
        session: whose home folder takes the traceback of an unexpected error.

    Returns:
        The exit code.
    """
    if isinstance(error, ArchduelError):
        for line in getattr(error, "lines", [str(error)]):  # settings tell all their mistakes
            _line("error", line)
        return error.exit_code
    about = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if os.environ.get(DEBUG) == "1":
        traceback.print_exception(error)
        _line("error", about)
    else:
        _line("error", f"{about} (unexpected; the traceback is in {_keep(error, session)})")
    return 1


def _line(word: str, text: str, style: str = "bold red") -> None:
    """One line, however narrow the terminal: a script reads lines, and so does `grep`."""
    line = Text.assemble((f"{word}:", style), " ", " ".join(text.split()))
    errors().print(line, soft_wrap=True)


def _keep(error: Exception, session: Session | None) -> Path:
    """Write the traceback into the home folder, or where temporary files lie if there is none."""
    text = f"archduel {' '.join(sys.argv[1:])}\n\n{''.join(traceback.format_exception(error))}"
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.txt"
    try:
        folder = (session or Session()).home.path / "errors"
        folder.mkdir(exist_ok=True)
        path = folder / name
        path.write_text(text, encoding="utf-8")
    except (OSError, ArchduelError):
        handle, temporary = tempfile.mkstemp(prefix="archduel-", suffix=".txt")
        path = Path(temporary)
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
    return path
