"""One way to change an entry's state: a compare-and-set along the table of legal moves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.contracts.entry import MOVES, EntryState, IllegalMove, NoSuchEntry, Stale
from service.database.engine import now
from service.queue import tables as db

_LONGEST = 500
"""Characters of a reason or a line that are kept."""


def move(
    connection: Connection,
    identity: str,
    to: EntryState,
    *,
    reason: str | None = None,
    driver: int | None = None,
    held_by: str | None = None,
    only_from: EntryState | None = None,
    **values: Any,
) -> None:
    """Move an entry and tell of it in its events, in the caller's transaction.

    Args:
        connection: a writing one.
        identity: the entry's id.
        to: where to; it comes from a state that may go there.
        reason: one line for people.
        driver: only if this attempt is the current one.
        held_by: only if this service process holds its lease.
        only_from: only from this state.
        values: other columns to set with it.

    Raises:
        NoSuchEntry: there is none.
        Stale: another driver, or another service process, has it now.
        IllegalMove: it is in a state that does not go there; nothing was changed.
    """
    sources = [only_from] if only_from else [one for one, targets in MOVES.items() if to in targets]
    entry = db.entry.c
    mine = [entry.id == identity, entry.state.in_([str(one) for one in sources])]
    if driver is not None:
        mine.append(entry.attempt == driver)
    if held_by is not None:
        mine.append(entry.holder == held_by)
    at = now()
    told = None if reason is None else short(reason)
    update = (
        sa.update(db.entry)
        .where(*mine)
        .values({"state": str(to), "reason": told, "updated": at, **values})
        .returning(entry.attempt)
    )
    moved = connection.execute(update).scalar()
    if moved is None:
        raise _refusal(connection, identity, to, driver, held_by)
    note(connection, identity, moved, "state", {"state": str(to), "reason": told})


def note(
    connection: Connection, identity: str, attempt: int, kind: str, data: Mapping[str, Any]
) -> None:
    """Add an event. The caller has changed the entry's row before, which puts events in order."""
    values = {"entry": identity, "attempt": attempt, "at": now(), "kind": kind}
    connection.execute(sa.insert(db.event).values(**values, data=json.dumps(dict(data))))


def short(text: str) -> str:
    """A line of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."


def _refusal(
    connection: Connection, identity: str, to: EntryState, driver: int | None, held_by: str | None
) -> Exception:
    entry = db.entry.c
    query = sa.select(entry.state, entry.attempt, entry.holder).where(entry.id == identity)
    row = connection.execute(query).first()
    if row is None:
        return no_such(identity)
    if driver is not None and row.attempt != driver:
        return Stale(f"{identity}: driver {driver} is not the current one ({row.attempt})")
    if held_by is not None and row.holder != held_by:
        return Stale(f"{identity}: '{held_by}' does not hold its lease any more")
    return IllegalMove(f"experiment {identity} is {row.state} and cannot become {to}")


def no_such(identity: str) -> NoSuchEntry:
    """The error for an id that is not known."""
    return NoSuchEntry("there is no experiment of this id", value=identity, hint="archduel list")
