"""What becomes of an experiment whose driver has ended before its work was done."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.contracts.entry import EntryState
from service.database.engine import Database, now
from service.queue import tables as db
from service.queue.moving import move, no_such

FRUITLESS = 5
"""After so many lost drivers in a row that recorded no training the experiment has failed."""

_LONGEST_WAIT = 60.0


def lost(
    database: Database,
    connection: Connection,
    identity: str,
    attempt: int,
    reason: str,
    *,
    blamed: bool,
) -> None:
    """Queue the entry again, or give it up; see `Queue.lost`."""
    entry = db.entry.c
    query = sa.select(entry.fruitless, entry.done, entry.done_before)
    row = connection.execute(query.where(entry.id == identity)).first()
    if row is None:
        raise no_such(identity)
    fruitless = 0 if row.done > row.done_before else row.fruitless + int(blamed)
    free: dict[str, Any] = {"holder": None, "lease_until": None, "fruitless": fruitless}
    if fruitless >= FRUITLESS:
        told = f"{FRUITLESS} drivers in a row were lost before a training was done: {reason}"
        move(
            connection, identity, EntryState.FAILED,
            driver=attempt, reason=told, ended=now(), **free,
        )  # fmt: skip
        return
    wake = database.clock(connection) + min(2.0**fruitless - 1.0, _LONGEST_WAIT)
    move(
        connection, identity, EntryState.QUEUED,
        driver=attempt, reason=reason, wake=wake, job=None, **free,
    )  # fmt: skip
