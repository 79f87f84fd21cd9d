"""What one call of the command line carries from its options to its last line."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.app.home import Home


@dataclass
class Session:
    """One call.

    Args:
        given: the home folder of `--home`, or None for the default one.
        creates: whether the home folder is made when it is missing; looking makes none.
    """

    given: Path | None = None
    creates: bool = False

    @cached_property
    def home(self) -> Home:
        """The home folder."""
        from service.app.home import Home

        return Home.open(self.given, create=self.creates)

    def command(self, *words: str) -> str:
        """A command line that means the same home folder as this call."""
        home = () if self.given is None else ("--home", str(self.given))
        return shlex.join(["archduel", *words, *home])
