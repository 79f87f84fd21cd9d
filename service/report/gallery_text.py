"""A gallery where there are no pictures: as a table of texts."""

from __future__ import annotations

from service.contracts.samples import Text
from service.report.document import Column, Table
from service.report.gallery import Gallery, Shown

_MARKS = {True: ", right", False: ", wrong", None: ""}


def as_table(gallery: Gallery) -> Table | None:
    """The same as a table; None where there is more than text to be seen."""
    cells = [cell for example in gallery.rows for cell in example.cells]
    if any(not isinstance(exhibit, Text) for cell in cells for _, exhibit in cell):
        return None
    columns = (Column("example"), *map(Column, gallery.columns))
    rows = tuple((example.head, *map(_told, example.cells)) for example in gallery.rows)
    return Table(gallery.title, columns, rows, gallery.note)


def _told(cell: Shown) -> str | None:
    texts = []
    for name, exhibit in cell:
        if isinstance(exhibit, Text):
            before = f"{name}: " if len(cell) > 1 else ""
            texts.append(before + exhibit.text + _MARKS[exhibit.right])
    return "; ".join(texts) or None
