"""Ways to call the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from typer.testing import Result

Invoke = Callable[..., Result]

PROGRAM = (sys.executable, "-c", "from service.cli import main; main()")

# One repetition of one trial a variant: five trainings with the winners and the control.
TINY = """\
experiment: tiny
pairs: [iris]
search: {trials: 1, epochs: 1, batch: 1}
design: {repetitions: [1], retrain: 1}
"""


def shell(*words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Call it as a shell would, its output in pipes."""
    return subprocess.run(
        [*PROGRAM, *map(str, words)],
        env={**os.environ, "COLUMNS": "80", **environment},
        capture_output=True,
        text=True,
        timeout=240,
    )


class RealRun:
    """One real run with the inline executor.

    Args:
        folder: for its config and its home folder.
    """

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.config = folder / "tiny.yaml"
        self.config.write_text(TINY)
        self.words = ("run", self.config, "--home", self.home, "--executor", "inline")
        self.process = shell(*self.words, "--json")

    @property
    def document(self) -> dict[str, Any]:
        """What it printed."""
        found: dict[str, Any] = json.loads(self.process.stdout)
        return found
