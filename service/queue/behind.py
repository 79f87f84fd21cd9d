"""Experiments that ended while MLflow was away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from service.contracts.entry import EntryState
from service.database.engine import Database
from service.queue import tables as db
from service.queue.moving import move

REASON = "MLflow is back: the rest is sent there; nothing is trained"

_PAUSE = timedelta(minutes=10)
_LONGEST = timedelta(days=7)


def queue_behind(database: Database) -> list[str]:
    """Queue what is done but not wholly in MLflow, once it answers again.

    A driver that finds everything trained sends what is missing. It is not tried more often than
    every ten minutes, and no longer than a week.

    Returns:
        The entries' ids.
    """
    now = datetime.now(UTC)
    entry = db.entry.c
    query = sa.select(entry.id).where(
        entry.state == str(EntryState.DONE),
        entry.behind.is_not(None),
        entry.ended < (now - _PAUSE).isoformat(timespec="milliseconds"),
        entry.created > (now - _LONGEST).isoformat(timespec="milliseconds"),
    )
    with database.reading() as connection:
        found = list(connection.scalars(query.limit(20)))
    if found:
        with database.writing() as connection:
            for identity in found:
                move(
                    connection, identity, EntryState.QUEUED, only_from=EntryState.DONE,
                    reason=REASON, fruitless=0, wake=0.0, ended=None, behind=None,
                )  # fmt: skip
    return found
