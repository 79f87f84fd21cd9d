"""Which results have been copied where: the ledger's side of the outbox.

A trial is claimed before it is sent and marked as synced afterwards. After a crash only claimed
trials can be in MLflow without our knowing, so only those have to be looked for there: what a
restart costs does not grow with the experiment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from service.database.engine import now
from service.stores import ledger_tables as db
from service.stores.experiment_ledger import ExperimentLedger


class OutboxLog:
    """The copies of one experiment at one target.

    Args:
        ledger: the experiment's.
        target: names the tracking server; another one is another copy.
    """

    def __init__(self, ledger: ExperimentLedger, target: str) -> None:
        self._database = ledger.database
        self._identity = ledger.identity
        self._target = target
        self._oldest = 0  # every row below is synced, so that looking costs the same at any time
        self._mine = sa.and_(
            db.outbox.c.experiment_id == self._identity, db.outbox.c.target == target
        )

    def pending(self, limit: int, but: Collection[str] = ()) -> list[str]:
        """The oldest trials that are not synced, at most `limit`, without those in `but`."""
        query = (
            self._waiting(db.trial.c.row, db.trial.c.trial)
            .where(db.trial.c.row >= self._oldest)
            .order_by(db.trial.c.row)
            .limit(limit + len(but))
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        if rows:
            self._oldest = rows[0].row
        return [row.trial for row in rows if row.trial not in but][:limit]

    def counts(self) -> tuple[int, int]:
        """How many trials are synced, and how many wait."""
        synced = sa.select(sa.func.count()).where(self._mine, db.outbox.c.synced_at.is_not(None))
        with self._database.reading() as connection:
            waiting = connection.scalar(self._waiting(sa.func.count()))
            return connection.scalar(synced) or 0, waiting or 0

    def claim(self, trials: Iterable[str]) -> set[str]:
        """Claim trials about to be sent; returns those that had been claimed before."""
        wanted = list(trials)
        rows = [
            {"experiment_id": self._identity, "trial": trial, "target": self._target}
            for trial in wanted
        ]
        with self._database.writing() as connection:
            before = set(
                connection.scalars(
                    sa.select(db.outbox.c.trial).where(self._mine, db.outbox.c.trial.in_(wanted))
                )
            )
            self._database.add(db.outbox, rows, connection)
        return before

    def mark_synced(self, runs: Mapping[str, str]) -> None:
        """Record that trials are complete at the target; `runs` is MLflow's run id by trial id."""
        if not runs:
            return
        update = (
            sa.update(db.outbox)
            .where(self._mine, db.outbox.c.trial == sa.bindparam("sent"))
            .values(run_id=sa.bindparam("run"), synced_at=now())
        )
        with self._database.writing() as connection:
            connection.execute(update, [{"sent": trial, "run": run} for trial, run in runs.items()])

    def runs(self) -> dict[str, str]:
        """MLflow's run id by trial id, of what is synced."""
        query = sa.select(db.outbox.c.trial, db.outbox.c.run_id).where(
            self._mine, db.outbox.c.synced_at.is_not(None)
        )
        with self._database.reading() as connection:
            return {row.trial: row.run_id for row in connection.execute(query)}

    def is_empty(self) -> bool:
        """Whether nothing was ever claimed for this target."""
        with self._database.reading() as connection:
            return connection.scalar(sa.select(sa.exists().where(self._mine))) is False

    def forget(self) -> None:
        """Forget every copy: the target was emptied."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(db.outbox).where(self._mine))
        self._oldest = 0

    def _waiting(self, *what: sa.ColumnElement[Any]) -> sa.Select[Any]:
        synced = sa.and_(
            self._mine, db.outbox.c.trial == db.trial.c.trial, db.outbox.c.synced_at.is_not(None)
        )
        return (
            sa.select(*what)
            .select_from(db.trial)
            .where(
                db.trial.c.experiment_id == self._identity,
                ~sa.exists(sa.select(db.outbox.c.trial).where(synced)),
            )
        )
