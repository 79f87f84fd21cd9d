"""Which service process looks after which entry: claims with fair share, leases, and taking over."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.contracts.entry import ACTIVE, Entry, EntryState
from service.database.engine import Database, now
from service.queue import tables as db
from service.queue.moving import move
from service.queue.rows import to_entry

_LOCK = 0x6172636864756571  # one claim at a time on PostgreSQL, so that limits hold exactly
_ACTIVE = [str(state) for state in sorted(ACTIVE)]


def claim(
    database: Database, holder: str, seconds: float, max_running: int, user_running: int
) -> Entry | None:
    """Take the entry that is next: of the user with the fewest at work, by priority, by age.

    Args:
        database: the queue's.
        holder: this service process.
        seconds: the lease's.
        max_running: how many may be at work in all; `user_running` of one user.

    Returns:
        The entry, now starting, with a new attempt; None where nothing waits that may start.
    """
    entry = db.entry.c
    with database.writing() as connection:
        if not database.is_sqlite:  # SQLite's writer is alone
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        clock = database.clock(connection)
        active = sa.select(sa.func.count()).where(entry.state.in_(_ACTIVE))
        if (connection.scalar(active) or 0) >= max_running:
            return None
        row = connection.execute(_next(clock, user_running)).first()
        if row is None:
            return None
        attempt = row.attempt + 1
        move(
            connection,
            row.id,
            EntryState.STARTING,
            driver=row.attempt,
            only_from=EntryState.QUEUED,
            job=f"{row.id}-{attempt}",
            holder=holder,
            lease_until=clock + seconds,
            started=row.started or now(),
            ended=None,
            done_before=row.done,
            attempt=attempt,
        )
        return _one(connection, row.id)


def _next(clock: float, user_running: int) -> sa.Select[tuple[str, int, int, str | None]]:
    entry = db.entry.c
    busy = (
        sa.select(entry.owner, sa.func.count().label("running"))
        .where(entry.state.in_(_ACTIVE))
        .group_by(entry.owner)
        .subquery()
    )
    running = sa.func.coalesce(busy.c.running, 0)
    return (
        sa.select(entry.id, entry.attempt, entry.done, entry.started)
        .select_from(db.entry.outerjoin(busy, busy.c.owner == entry.owner))
        .where(entry.state == str(EntryState.QUEUED), entry.wake <= clock, running < user_running)
        .order_by(running, entry.priority.desc(), entry.id)
        .limit(1)
    )


def renew(database: Database, holder: str, seconds: float) -> list[Entry]:
    """Renew this process's leases, also those that ran out and nobody took.

    Returns:
        What it holds now; what it held before and is not here is another's.
    """
    entry = db.entry.c
    with database.writing() as connection:
        connection.execute(
            sa.update(db.entry)
            .where(entry.holder == holder, entry.state.in_(_ACTIVE))
            .values(lease_until=database.clock(connection) + seconds)
        )
        return _held(connection, holder)


def adopt(database: Database, holder: str, seconds: float) -> list[Entry]:
    """Take over the entries at work whose service process let its lease run out.

    Returns:
        Those taken over now; their drivers may still be at work.
    """
    entry = db.entry.c
    with database.writing() as connection:
        clock = database.clock(connection)
        silent = sa.and_(entry.holder != holder, entry.lease_until < clock)
        orphans = sa.or_(entry.holder.is_(None), silent)
        update = (
            sa.update(db.entry)
            .where(entry.state.in_(_ACTIVE), orphans)
            .values(holder=holder, lease_until=clock + seconds)
            .returning(db.entry)
        )
        return [to_entry(row) for row in connection.execute(update)]


def release(database: Database, holder: str) -> None:
    """Let this process's leases run out now."""
    entry = db.entry.c
    with database.writing() as connection:
        connection.execute(
            sa.update(db.entry)
            .where(entry.holder == holder, entry.state.in_(_ACTIVE))
            .values(holder=None, lease_until=None)
        )


def _held(connection: Connection, holder: str) -> list[Entry]:
    entry = db.entry.c
    query = sa.select(db.entry).where(entry.holder == holder, entry.state.in_(_ACTIVE))
    return [to_entry(row) for row in connection.execute(query.order_by(entry.id))]


def _one(connection: Connection, identity: str) -> Entry:
    return to_entry(connection.execute(sa.select(db.entry).where(db.entry.c.id == identity)).one())
