"""The last of what happened to an entry, for who looks at it now."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from service.contracts.entry import Event
from service.database.engine import Database
from service.queue import tables as db
from service.queue.rows import to_event


def latest(database: Database, identity: str, kinds: Sequence[str], limit: int) -> list[Event]:
    """The last events of these kinds, in order.

    Args:
        database: the queue's.
        identity: the entry's id; one that is not known has no events.
        kinds: "state", "progress", "line".
        limit: at most so many.
    """
    event = db.event.c
    query = (
        sa.select(db.event)
        .where(event.entry == identity, event.kind.in_(list(kinds)))
        .order_by(event.id.desc())
        .limit(limit)
    )
    with database.reading() as connection:
        return [to_event(row) for row in connection.execute(query)][::-1]
