"""Errors people can act on: one line that names the place, the rule, the value and a way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class ArchduelError(Exception):
    """Something archduel itself could not do; the command line prints it in one line, exit code 1."""

    exit_code = 1


class Unavailable(ArchduelError):
    """What archduel needs does not answer or has no room now; trying again later may succeed."""


class UserError(ArchduelError):
    """A mistake in what the user gave; the command line prints it in one line, exit code 2.

    Args:
        rule: what must hold, in words ("must be at least 1").
        file: the file that holds the mistake.
        line: its line, counted from 1.
        key: the dotted path of the key ("search.trials").
        value: what was given instead; it is printed with `repr`.
        hint: the nearest right name, or what to do.
    """

    exit_code = 2

    def __init__(
        self,
        rule: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        key: str | None = None,
        value: object = None,
        hint: str | None = None,
    ) -> None:
        self.rule = rule
        self.file = file
        self.line = line
        self.key = key
        self.value = value
        self.hint = hint
        super().__init__(self._one_line())

    def _one_line(self) -> str:
        place = "" if self.file is None else str(self.file)
        if place and self.line is not None:
            place += f":{self.line}"
        parts = [part for part in (place, self.key) if part]
        text = ": ".join([*parts, self.rule])
        if self.value is not None:
            text += f", but got {self.value!r}"
        if self.hint:
            text += f"; {self.hint}"
        return " ".join(text.split())


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """The choice most like `name`, or None when none is close."""
    found = difflib.get_close_matches(name, list(choices), n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(name: str, choices: Iterable[str]) -> str:
    """A hint for a name that is not among the choices: the nearest one, or all of them."""
    known = sorted(choices)
    close = nearest(name, known)
    return f"did you mean '{close}'?" if close else f"choose from: {', '.join(known)}"
