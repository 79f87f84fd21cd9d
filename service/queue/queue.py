"""The queue of submitted experiments, for the API (who submits), dispatchers and drivers."""

from __future__ import annotations

import json
from dataclasses import dataclass

import sqlalchemy as sa

from service.contracts.entry import (
    ENDED,
    Entry,
    EntryState,
    Event,
    IllegalMove,
    Submission,
)
from service.contracts.errors import UserError
from service.database.engine import Database, now
from service.queue import leases, losing, submitting
from service.queue import tables as db
from service.queue.moving import move, no_such
from service.queue.rows import to_entry, to_event

LONGEST_PAGE = 500


@dataclass(frozen=True)
class Limits:
    """How much is let in.

    Args:
        max_running: experiments at work at once; `user_running` of one user.
        user_queued: experiments of one user that may wait.
        lease_seconds: after so long without a word a service process counts as dead.
    """

    max_running: int = 4
    user_running: int = 4
    user_queued: int = 1000
    lease_seconds: float = 30.0


class Queue:
    """Submitted experiments and what happens to them. Every change is one transaction.

    It may be used from several threads, and by several processes on one database.

    Args:
        database: its tables are those of this version (`database.migrate`).
        limits: how much is let in.
    """

    def __init__(self, database: Database, limits: Limits | None = None) -> None:
        self.database = database
        self.limits = limits or Limits()

    # What users do

    def submit(self, submission: Submission) -> tuple[Entry, bool]:
        """Keep a submission; one of the same key or content is the one that is known.

        Returns:
            The entry, and whether it was made now.

        Raises:
            Conflict: the key was used for other content.
            TooMany: too many of this user's wait.
            UserError: a value is out of range.
        """
        return submitting.submit(self.database, submission, self.limits.user_queued)

    def get(self, identity: str) -> Entry:
        """One entry.

        Raises:
            NoSuchEntry: there is none of this id.
        """
        with self.database.reading() as connection:
            query = sa.select(db.entry).where(db.entry.c.id == identity)
            row = connection.execute(query).first()
        if row is None:
            raise no_such(identity)
        return to_entry(row)

    def page(
        self,
        *,
        state: EntryState | None = None,
        owner: str | None = None,
        limit: int = 50,
        before: str | None = None,
    ) -> list[Entry]:
        """Entries, the newest first.

        Args:
            state, owner: only these.
            limit: at most so many, and never more than 500.
            before: only older than this id: the last one of the page before.
        """
        entry = db.entry.c
        query = sa.select(db.entry).order_by(entry.id.desc()).limit(min(limit, LONGEST_PAGE))
        if state is not None:
            query = query.where(entry.state == str(state))
        if owner is not None:
            query = query.where(entry.owner == owner)
        if before is not None:
            query = query.where(entry.id < before)
        with self.database.reading() as connection:
            return [to_entry(row) for row in connection.execute(query)]

    def counts(self, owner: str | None = None) -> dict[EntryState, int]:
        """How many entries are in each state, of all or of one owner."""
        entry = db.entry.c
        query = sa.select(entry.state, sa.func.count()).group_by(entry.state)
        if owner is not None:
            query = query.where(entry.owner == owner)
        with self.database.reading() as connection:
            found = {EntryState(state): count for state, count in connection.execute(query)}
        return {state: found.get(state, 0) for state in EntryState}

    def cancel(self, identity: str, reason: str = "cancelled by its owner") -> Entry:
        """Cancel: at once what waits; what is at work becomes cancelling until its driver ended.

        Raises:
            NoSuchEntry: there is none.
            IllegalMove: it has ended.
        """
        with self.database.writing() as connection:
            try:
                move(
                    connection, identity, EntryState.CANCELLED,
                    only_from=EntryState.QUEUED, reason=reason, ended=now(),
                )  # fmt: skip
            except IllegalMove:
                move(connection, identity, EntryState.CANCELLING, reason=reason)
        return self.get(identity)

    def extend(self, identity: str, repetitions: int) -> Entry:
        """Queue an experiment that is done once more, to go on by so many repetitions.

        Raises:
            NoSuchEntry: there is none.
            IllegalMove: it is not done.
            UserError: fewer than 2 repetitions.
        """
        if repetitions < 2:
            raise UserError("must be at least 2", key="repetitions", value=repetitions)
        entry = db.entry.c
        with self.database.writing() as connection:
            move(
                connection, identity, EntryState.QUEUED, only_from=EntryState.DONE,
                reason=f"extended by {repetitions} repetitions",
                fruitless=0, wake=0.0, ended=None,
            )  # fmt: skip
            mine = entry.id == identity
            made = json.loads(
                connection.execute(sa.select(entry.extensions).where(mine)).scalar_one()
            )
            extensions = json.dumps([*made, repetitions])
            connection.execute(sa.update(db.entry).where(mine).values(extensions=extensions))
        return self.get(identity)

    def set_parallel(self, identity: str, most: int | None) -> Entry:
        """Limit how many of its trials run at once; its driver obeys within seconds.

        Raises:
            NoSuchEntry: there is none.
            UserError: less than 1.
        """
        if most is not None and most < 1:
            raise UserError("must be at least 1", key="max_parallel", value=most)
        self._change(identity, max_parallel=most, updated=now())
        return self.get(identity)

    def delete(self, identity: str) -> None:
        """Forget an entry that has ended, with its events.

        Raises:
            NoSuchEntry: there is none.
            IllegalMove: it has not ended; cancel it first.
        """
        entry = db.entry.c
        ended = [str(state) for state in sorted(ENDED)]
        with self.database.writing() as connection:
            deleted = connection.execute(
                sa.delete(db.entry)
                .where(entry.id == identity, entry.state.in_(ended))
                .returning(entry.id)
            ).scalar()
            if deleted is None:
                query = sa.select(entry.state).where(entry.id == identity)
                state = connection.execute(query).scalar()
                if state is None:
                    raise no_such(identity)
                raise IllegalMove(f"experiment {identity} is {state}; cancel it first")

    def events(self, identity: str, after: int = 0, limit: int = 500) -> list[Event]:
        """What happened to an entry after an event, in order; 0 for all from the beginning."""
        event = db.event.c
        query = (
            sa.select(db.event)
            .where(event.entry == identity, event.id > after)
            .order_by(event.id)
            .limit(limit)
        )
        with self.database.reading() as connection:
            return [to_event(row) for row in connection.execute(query)]

    # What dispatchers do

    def claim(self, holder: str) -> Entry | None:
        """Take what is next, within the limits; it is starting then, with a new attempt."""
        limits = self.limits
        return leases.claim(
            self.database, holder, limits.lease_seconds, limits.max_running, limits.user_running
        )

    def renew(self, holder: str) -> list[Entry]:
        """Renew this process's leases; returns what it holds."""
        return leases.renew(self.database, holder, self.limits.lease_seconds)

    def adopt(self, holder: str) -> list[Entry]:
        """Take over what is at work and whose service process has gone silent."""
        return leases.adopt(self.database, holder, self.limits.lease_seconds)

    def release(self, holder: str) -> None:
        """Let go of all leases, so that the next service need not wait for their end."""
        leases.release(self.database, holder)

    def move(
        self,
        identity: str,
        to: EntryState,
        *,
        reason: str | None = None,
        driver: int | None = None,
        held_by: str | None = None,
        only_from: EntryState | None = None,
        wake_in: float = 0.0,
    ) -> None:
        """Move an entry (`moving.move`); what ends has its time, what waits has no holder.

        Args:
            identity, to, reason, driver, held_by, only_from: as `moving.move` has them.
            wake_in: seconds that it waits at least, if it becomes queued.

        Raises:
            NoSuchEntry: there is none.
            Stale: another driver, or another service process, has it.
            IllegalMove: it is in a state that does not go there.
        """
        values: dict[str, object] = {}
        if to in ENDED:
            values = {"ended": now(), "holder": None, "lease_until": None}
        elif to is EntryState.QUEUED:
            values = {"holder": None, "lease_until": None, "job": None}
        with self.database.writing() as connection:
            if to is EntryState.QUEUED:
                values["wake"] = self.database.clock(connection) + wake_in
            move(
                connection, identity, to,
                reason=reason, driver=driver, held_by=held_by, only_from=only_from, **values,
            )  # fmt: skip

    def lost(self, identity: str, attempt: int, reason: str, *, blamed: bool = True) -> None:
        """A driver has ended before its work was done: another is started, but not for ever.

        Args:
            identity: the entry's id.
            attempt: the driver's.
            reason: how it ended, in one line.
            blamed: whether it counts against the experiment; what took its host down does not.

        Raises:
            NoSuchEntry, Stale, IllegalMove: it is not this driver's any more; nothing was changed.
        """
        with self.database.writing() as connection:
            losing.lost(self.database, connection, identity, attempt, reason, blamed=blamed)

    def waiting(self) -> bool:
        """Whether anything is queued; cheaper than a claim."""
        queued = db.entry.c.state == str(EntryState.QUEUED)
        with self.database.reading() as connection:
            return bool(connection.scalar(sa.select(sa.exists().where(queued))))

    def remark(self, identity: str, reason: str | None) -> None:
        """Say why nothing moves, or that it does again; the state stays."""
        self._change(identity, reason=reason)

    def _change(self, identity: str, **values: object) -> None:
        with self.database.writing() as connection:
            update = sa.update(db.entry).where(db.entry.c.id == identity).values(**values)
            if connection.execute(update).rowcount == 0:
                raise no_such(identity)
