"""The pairs there are, for people who look around."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from service import catalog
from service.catalog.files import split_reference
from service.catalog.find import BUILT_IN
from service.contracts.pair import LocatedPair


def names() -> list[str]:
    """Names of the built-in pairs; nothing of them is imported."""
    return catalog.names()


def pairs() -> list[LocatedPair]:
    """All built-in pairs, by name.

    Raises:
        UserError: the code of one has a mistake.
    """
    return [catalog.locate(name) for name in catalog.names()]


def pair(reference: str) -> LocatedPair:
    """One pair: a built-in one's name, "./file.py:PAIR" or "package.module:PAIR".

    Raises:
        UserError: there is no such pair; the nearest right name is told.
    """
    return catalog.locate(reference)


def file_of(located: LocatedPair) -> Path:
    """The file that a pair is written in."""
    split = split_reference(located.reference)
    if split is not None:
        return Path(split[0]).expanduser().resolve()
    module, colon, _ = located.reference.partition(":")
    spec = importlib.util.find_spec(module if colon else f"{BUILT_IN}.{module}")
    assert spec is not None  # it was imported from there
    assert spec.origin is not None
    return Path(spec.origin)
