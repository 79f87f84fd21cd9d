"""The ledger: which experiments there are, and opening one for a run or for a report.

An experiment is a name and a generation. Running an unchanged protocol again reopens the latest
generation; a changed protocol is another experiment, so it is refused unless a new generation is
asked for, and the old one's rows stay.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.contracts.errors import ArchduelError, UserError, did_you_mean
from service.contracts.plan import Plan
from service.contracts.strategy import StrategyChoice
from service.database.engine import Database, now
from service.database.migrate import migrate
from service.stores import ledger_tables as db
from service.stores.experiment_ledger import ExperimentLedger, State
from service.stores.protocol_diff import differences

_SHOWN = 8  # differences told one by one in a message


@dataclass(frozen=True)
class ExperimentRow:
    """One experiment, as `archduel runs` lists it.

    Args:
        name, generation, key: what it is called; the key is unique in the ledger.
        state: running, finished, failed or interrupted; "superseded" where a newer generation is.
        started, updated: UTC, ISO 8601.
        done, planned: trials recorded and planned at most.
        verdicts: the verdict's sentence by pair, for those that have one.
    """

    name: str
    generation: int
    key: str
    state: str
    started: str
    updated: str
    done: int
    planned: int
    verdicts: Mapping[str, str]


class LedgerStore:
    """The ledger of one home folder.

    Args:
        url: a SQLAlchemy address: "sqlite:///path/ledger.db" or one of PostgreSQL.
        home: the folder for models and locks; the SQLite file's folder when it is not given.
        busy_seconds: how long to wait for another process's transaction.
        patience_seconds: how long to wait for a server that does not answer.

    Raises:
        UserError: the address is not one of SQLite or PostgreSQL, no home is given for PostgreSQL,
            or a newer archduel wrote the ledger.
        ArchduelError: the database cannot be opened.
    """

    def __init__(
        self,
        url: str,
        home: Path | None = None,
        *,
        busy_seconds: float = 20.0,
        patience_seconds: float = 0.0,
    ) -> None:
        self.database = Database(url, busy_seconds=busy_seconds, patience_seconds=patience_seconds)
        if self.database.url.get_backend_name() == "sqlite":
            file = Path(self.database.place)
            home = home or file.parent
            try:
                file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ArchduelError(
                    f"{file.parent}: the ledger's folder cannot be made ({error.strerror}); "
                    "choose another home folder"
                ) from error
        if home is None:
            raise UserError("a home folder must be given for a ledger that is not a file")
        self.home = home
        migrate(self.database)

    def close(self) -> None:
        """Close every connection."""
        self.database.engine.dispose()

    def open_experiment(
        self, plan: Plan, facts: Mapping[str, Any], *, fresh: bool = False
    ) -> ExperimentLedger:
        """Open the plan's experiment for a run: the recorded one, or a new one.

        Args:
            plan: what is run. Of a reopened experiment the stored plan becomes this one: the
                protocol is the same, resources and addresses are those of the latest run, and the
                extensions are the plan's or, where it has none, those recorded. The strategies
                that were chosen stay.
            facts: what is known of this run as JSON (machine, versions, command). The first
                run's stay the experiment's facts; each run's are kept as a session.
            fresh: start a new generation, whatever is recorded.

        Raises:
            UserError: the protocol changed; the message shows the differing keys.
        """
        with self.database.writing() as connection:
            latest = self._latest(connection, plan.experiment)
            if latest is None or fresh:
                identity = self._create(connection, plan, facts, latest)
            elif latest.protocol == plan.protocol_hash:
                identity = int(latest.id)
                going_on = plan.extended(plan.design.extensions or _extensions(latest.plan))
                going_on = going_on.with_strategies(_strategies(latest.plan))
                connection.execute(
                    sa.update(db.experiment)
                    .where(db.experiment.c.id == identity)
                    .values(
                        plan=json.dumps(going_on.model_dump(mode="json")),
                        planned=sum(going_on.trainings.values()),
                        state="running",
                        updated=now(),
                    )
                )
            else:
                raise _changed(
                    plan.experiment, json.loads(latest.plan), plan.model_dump(mode="json")
                )
            session = {"command": " ".join(sys.argv), "versions": {}, **facts}
            connection.execute(
                sa.insert(db.session).values(
                    experiment_id=identity, started=now(), facts=json.dumps(session)
                )
            )
        return ExperimentLedger(self.database, identity, self.home)

    def experiment(self, key: str) -> ExperimentLedger:
        """Open a recorded experiment to read it: by its key, or the latest generation of a name.

        Raises:
            UserError: there is none; the nearest right name is told.
        """
        with self.database.reading() as connection:
            found = connection.scalar(
                sa.select(db.experiment.c.id).where(db.experiment.c.key == key)
            )
            latest = self._latest(connection, key)
            keys = connection.scalars(sa.select(db.experiment.c.key)).all()
        if latest is not None:  # a name means its latest generation, though the first has that key
            found = latest.id
        if found is None:
            hint = (
                did_you_mean(key, keys) if keys else "nothing was run yet: archduel run starts one"
            )
            raise UserError("there is no experiment of this name", value=key, hint=hint)
        return ExperimentLedger(self.database, int(found), self.home)

    def is_finished(self, name: str) -> bool:
        """Whether the latest generation of an experiment has ended with its verdicts."""
        with self.database.reading() as connection:
            latest = self._latest(connection, name)
        return latest is not None and latest.state == "finished"

    def remove(self, key: str) -> None:
        """Forget an experiment with all its results; its models are the caller's to remove."""
        with self.database.writing() as connection:
            known = sa.select(db.experiment.c.id).where(db.experiment.c.key == key)
            identity = connection.scalar(known)
            if identity is None:
                return
            for table in (db.outbox, db.trial, db.session):
                connection.execute(sa.delete(table).where(table.c.experiment_id == identity))
            connection.execute(sa.delete(db.experiment).where(db.experiment.c.id == identity))

    def experiments(self) -> list[ExperimentRow]:
        """All experiments, the latest started first."""
        done = (
            sa.select(sa.func.count())
            .where(db.trial.c.experiment_id == db.experiment.c.id)
            .scalar_subquery()
        )
        newer = db.experiment.alias("newer")
        superseded = sa.exists(
            sa.select(newer.c.id).where(
                newer.c.name == db.experiment.c.name,
                newer.c.generation > db.experiment.c.generation,
            )
        )
        query = sa.select(
            db.experiment, done.label("done"), superseded.label("superseded")
        ).order_by(db.experiment.c.id.desc())
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        return [
            ExperimentRow(
                name=row.name,
                generation=row.generation,
                key=row.key,
                state="superseded" if row.superseded else row.state,
                started=row.started,
                updated=row.updated,
                done=row.done,
                planned=row.planned,
                verdicts=sentences(json.loads(row.verdicts)),
            )
            for row in rows
        ]

    @staticmethod
    def _latest(connection: Connection, name: str) -> sa.Row[Any] | None:
        return connection.execute(
            sa.select(db.experiment)
            .where(db.experiment.c.name == name)
            .order_by(db.experiment.c.generation.desc())
            .limit(1)
        ).first()

    @staticmethod
    def _create(
        connection: Connection, plan: Plan, facts: Mapping[str, Any], latest: sa.Row[Any] | None
    ) -> int:
        taken = set(connection.scalars(sa.select(db.experiment.c.key)))
        generation = 1 if latest is None else latest.generation + 1
        while (key := _key(plan.experiment, generation)) in taken:  # by one named "iris.2"
            generation += 1
        started = now()
        state: State = "running"
        created = connection.execute(
            sa.insert(db.experiment).values(
                name=plan.experiment,
                generation=generation,
                key=key,
                uuid=uuid4().hex,
                protocol=plan.protocol_hash,
                plan=json.dumps(plan.model_dump(mode="json")),
                facts=json.dumps(dict(facts)),
                verdicts="{}",
                state=state,
                planned=sum(plan.trainings.values()),
                started=started,
                updated=started,
            )
        )
        assert created.inserted_primary_key is not None
        return int(created.inserted_primary_key[0])


def sentences(verdicts: Mapping[str, Any]) -> dict[str, str]:
    """The sentence of each verdict: the verdict itself where it is a text, else its "sentence"."""
    told = {
        pair: verdict.get("sentence") if isinstance(verdict, Mapping) else verdict
        for pair, verdict in verdicts.items()
    }
    return {pair: text for pair, text in told.items() if isinstance(text, str)}


def _key(name: str, generation: int) -> str:
    return name if generation == 1 else f"{name}.{generation}"


def _strategies(plan: str) -> dict[str, StrategyChoice]:
    """What was chosen for each pair of a recorded plan."""
    chosen = {pair["name"]: pair.get("strategy") for pair in json.loads(plan)["pairs"]}
    return {
        name: StrategyChoice.model_validate(choice) for name, choice in chosen.items() if choice
    }


def _extensions(plan: str) -> tuple[int, ...]:
    return tuple(json.loads(plan)["design"].get("extensions", ()))


def _changed(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> UserError:
    changes = differences(old, new)
    shown = ", ".join(changes[:_SHOWN]) or "the form in which plans are stored"
    if len(changes) > _SHOWN:
        shown += f" and {len(changes) - _SHOWN} more"
    return UserError(
        f"the protocol of experiment '{name}' changed since it was started: {shown}",
        hint="--fresh starts it anew and keeps the old results",
    )
