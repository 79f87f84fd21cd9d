"""What a driver writes: its progress, its lines, its end. Each says its attempt, and is refused once
another driver has been started."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.contracts.entry import ACTIVE, Entry, EntryState, Orders, Stale
from service.database.engine import Database, now
from service.queue import tables as db
from service.queue.losing import lost
from service.queue.moving import move, no_such, note, short
from service.queue.rows import to_entry

_FREE: dict[str, Any] = {"holder": None, "lease_until": None}


class DriverDesk:
    """One driver's way into the queue.

    Every method raises `Stale` once the driver is not the current one, and it must end then.

    Args:
        database: the queue's.
        identity: the entry's id.
        attempt: the driver's number.
    """

    def __init__(self, database: Database, identity: str, attempt: int) -> None:
        self._database = database
        self._identity = identity
        self._attempt = attempt

    def begin(self) -> Entry:
        """Say that the driver is at work; returns what it shall do.

        Raises:
            Stale: another driver was started, or the entry was cancelled.
        """
        with self._database.writing() as connection:
            move(connection, self._identity, EntryState.RUNNING, driver=self._attempt)
            query = sa.select(db.entry).where(db.entry.c.id == self._identity)
            entry = to_entry(connection.execute(query).one())
            self._set(connection, ledger_key=entry.ledger_name)
            return entry

    def orders(self) -> Orders:
        """What the driver shall heed now."""
        with self._database.reading() as connection:
            return self._orders(connection)

    def progress(self, done: int, planned: int, seconds: float) -> Orders:
        """Report how far it came.

        Args:
            done, planned: trainings.
            seconds: that were trained by this driver.
        """
        with self._database.writing() as connection:
            self._set(connection, done=done, planned=planned, seconds=seconds)
            data = {"done": done, "planned": planned, "seconds": seconds}
            note(connection, self._identity, self._attempt, "progress", data)
            return self._orders(connection)

    def say(self, line: str) -> None:
        """Add a line for people."""
        with self._database.writing() as connection:
            self._set(connection, line=short(line))
            note(connection, self._identity, self._attempt, "line", {"text": short(line)})

    def done(self, verdicts: Mapping[str, str], behind: str | None) -> None:
        """The experiment has ended with its report.

        Args:
            verdicts: the sentence of each pair's.
            behind: what MLflow did not get.
        """
        told = json.dumps(dict(verdicts))
        self._end(EntryState.DONE, None, verdicts=told, behind=behind, fruitless=0)

    def not_extended(self, reason: str, made: Sequence[int]) -> None:
        """The experiment stays as it was: why, and the extensions that it does have."""
        self._end(EntryState.DONE, reason, extensions=json.dumps(list(made)), fruitless=0)

    def failed(self, reason: str) -> None:
        """It cannot be done, and trying again would not help."""
        self._end(EntryState.FAILED, reason)

    def stumbled(self, reason: str) -> None:
        """It ends for a reason that another driver may not meet (`losing.lost`)."""
        with self._database.writing() as connection:
            lost(self._database, connection, self._identity, self._attempt, reason, blamed=True)

    def postponed(self, reason: str, seconds: float) -> None:
        """Something that it needs is missing for now: it is started again after so many seconds."""
        with self._database.writing() as connection:
            wake = self._database.clock(connection) + seconds
            move(
                connection, self._identity, EntryState.QUEUED,
                driver=self._attempt, reason=reason, wake=wake, job=None, **_FREE,
            )  # fmt: skip

    def _end(self, to: EntryState, reason: str | None, **values: Any) -> None:
        with self._database.writing() as connection:
            move(
                connection, self._identity, to,
                driver=self._attempt, reason=reason, ended=now(), **_FREE, **values,
            )  # fmt: skip

    def _set(self, connection: Connection, **values: object) -> None:
        entry = db.entry.c
        mine = sa.and_(entry.id == self._identity, entry.attempt == self._attempt)
        active = entry.state.in_([str(state) for state in sorted(ACTIVE)])
        update = sa.update(db.entry).where(mine, active).values(updated=now(), **values)
        if connection.execute(update).rowcount == 0:
            raise self._stale()

    def _orders(self, connection: Connection) -> Orders:
        entry = db.entry.c
        query = sa.select(entry.attempt, entry.state, entry.max_parallel)
        row = connection.execute(query.where(entry.id == self._identity)).first()
        if row is None:
            raise no_such(self._identity)
        state = EntryState(row.state)
        if row.attempt != self._attempt or state not in ACTIVE:
            raise self._stale()
        return Orders(cancel=state is EntryState.CANCELLING, max_parallel=row.max_parallel)

    def _stale(self) -> Stale:
        return Stale(f"{self._identity}: driver {self._attempt} is not the current one any more")
