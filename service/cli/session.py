"""What one call of the command line carries from its options to its last line."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from service.app.home import Home


@dataclass
class Session:
    """One call.

    Args:
        given: the home folder of `--home`, or None for the default one.
        creates: whether the home folder is made when it is missing; looking makes none.
        profile: the service that was given; None for the usual one, or for this machine.
    """

    given: Path | None = None
    creates: bool = False
    profile: str | None = None

    @cached_property
    def home(self) -> Home:
        """The home folder."""
        from service.app.home import Home

        return Home.open(self.given, create=self.creates)

    def command(self, *words: str) -> str:
        """A command line that means the same home folder and service as this call."""
        home = () if self.given is None else ("--home", str(self.given))
        profile = () if self.profile is None else ("--profile", self.profile)
        return shlex.join(["archduel", *words, *home, *profile])


def begin(context: typer.Context, home: Path | None = None, *, creates: bool = False) -> Session:
    """This call's session; the context keeps it for the message of an unexpected error."""
    session = Session(home, creates)
    context.find_root().obj = session
    return session
