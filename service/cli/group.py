"""Where every command ends: an error becomes one line and an exit code."""

from __future__ import annotations

import errno
from typing import Any

import typer
from typer.core import TyperGroup

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""

USAGE = 2
"""The exit code after a mistake of the user's."""


ORDER = (
    "doctor",
    "pairs",
    "plan",
    "run",
    "extend",
    "report",
    "compare",
    "check",
    "runs",
    "ui",
    "sync",
    "submit",
    "list",
    "status",
    "logs",
    "wait",
    "cancel",
    "delete",
    "login",
    "config",
    "serve",
    "service",
)


class Stopped(Exception):
    """The user stopped a command; the text says what was kept and how to go on.

    Args:
        text: for people.
        exit_code: 128 + the signal's number.
    """

    def __init__(self, text: str, exit_code: int = INTERRUPTED) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class Group(TyperGroup):
    """The root of the commands."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The commands in the order in which one needs them."""
        known = super().list_commands(ctx)
        return sorted(known, key=lambda name: ORDER.index(name) if name in ORDER else len(ORDER))

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a traceback is never the answer to a mistake.

        Raises:
            typer.Exit: with 1 or 2 after an error, 130 after Ctrl-C, 143 after SIGTERM.
        """
        try:
            return super().invoke(ctx)
        except (Stopped, KeyboardInterrupt) as stop:
            from service.cli.failure import say_stopped

            say_stopped(str(stop))
            code = stop.exit_code if isinstance(stop, Stopped) else INTERRUPTED
            raise typer.Exit(code) from stop
        except Exception as error:
            if _is_usage(error):
                raise _refused(error) from error
            if _is_typers(error):
                raise
            from service.cli.failure import explain

            raise typer.Exit(explain(error, ctx.obj)) from error

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Take the options before the command."""
        try:
            return super().parse_args(ctx, args)
        except typer.TyperException as error:
            if _is_usage(error):
                raise _refused(error) from error
            raise


def _is_usage(error: Exception) -> bool:
    """Whether the command line itself is wrong."""
    return isinstance(error, typer.TyperException) and getattr(error, "exit_code", 1) == USAGE


def _refused(error: Any) -> typer.Exit:
    """One line about a command line that is wrong."""
    from service.cli.failure import say_refused

    where = error.ctx.command_path if error.ctx is not None else "archduel"
    say_refused(where, error.format_message())
    return typer.Exit(USAGE)


def _is_typers(error: Exception) -> bool:
    """Whether Typer itself knows what to do: usage errors, exits, and a reader that went away."""
    if isinstance(error, OSError):
        return error.errno == errno.EPIPE
    return isinstance(error, typer.Exit | typer.Abort | typer.TyperException)
