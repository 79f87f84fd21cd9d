"""Examples to look at: a block of the document."""

from __future__ import annotations

from dataclasses import dataclass

from service.contracts.samples import Exhibit

Shown = tuple[tuple[str, Exhibit], ...]
"""What stands in a gallery's cell, each with its input's or target's name."""


@dataclass(frozen=True)
class Example:
    """A row of a gallery: what heads it, and a cell for each of the other columns."""

    head: str
    cells: tuple[Shown, ...]


@dataclass(frozen=True)
class Gallery:
    """Examples to look at, one a row.

    Attributes:
        title: what it shows, one line.
        columns: the headings of the cells.
        rows: the examples.
        note: how it was made.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[Example, ...]
    note: str = ""
