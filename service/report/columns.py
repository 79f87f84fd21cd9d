"""Records as columns: what is alike comes together, so that it packs well, and names come once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Columns = dict[str, Any]
"""By name a list with one value a record; of fields that are records, columns again."""


def columns(records: Sequence[Mapping[str, Any]]) -> Columns:
    """Turn records into columns.

    Args:
        records: JSON-able, at least one, all with the same fields.

    Returns:
        Columns of the same fields in the same order.
    """
    found: Columns = {}
    for name in records[0]:
        values = [record[name] for record in records]
        found[name] = columns(values) if _alike(values) else values
    return found


def records(found: Columns) -> list[dict[str, Any]]:
    """The records that `columns` has taken apart.

    Raises:
        ValueError: the columns are not equally long.
    """
    whole = [records(column) if isinstance(column, dict) else column for column in found.values()]
    return [dict(zip(found, values, strict=True)) for values in zip(*whole, strict=True)]


def _alike(values: Sequence[Any]) -> bool:
    """Whether these are records with the same fields in the same order."""
    first = values[0]
    if not isinstance(first, dict) or not first:
        return False
    names = list(first)
    return all(isinstance(value, dict) and list(value) == names for value in values)
