"""The durable record of one experiment: every trial's result, the state, and the verdicts."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import sqlalchemy as sa
from pydantic import ValidationError

from service.contracts.errors import ArchduelError
from service.contracts.plan import Plan
from service.contracts.results import Curve, Outcome, TrialResult
from service.contracts.trial import Stage
from service.database.engine import Database, now
from service.stores import ledger_tables as db
from service.stores.model_files import write_durably

State = Literal["running", "finished", "failed", "interrupted"]

_PAGE = 500  # results read in one go
_NO_CURVE = Curve()


@dataclass(frozen=True)
class SessionRow:
    """One run of an experiment: when it started (UTC, ISO 8601) and the facts it was given."""

    started: str
    facts: Mapping[str, Any]

    @property
    def command(self) -> str:
        """The command line that started it."""
        return str(self.facts.get("command", ""))

    @property
    def versions(self) -> Mapping[str, str]:
        """Library versions by name."""
        return dict(self.facts.get("versions", {}))


class ExperimentLedger:
    """The record of one experiment (one generation); implements `contracts.ports.Ledger`.

    It may be used from several threads. Nothing that was recorded is kept in memory: who asks gets
    it from the database, and lets it go.

    Args:
        database: the ledger's.
        identity: the experiment's row.
        home: models go to `home/models/<key>/<trial id>.zip`.
    """

    def __init__(self, database: Database, identity: int, home: Path) -> None:
        self.database = database
        self.identity = identity
        self.home = home
        row = self._row()
        self.key: str = row.key
        self.name: str = row.name
        self.generation: int = row.generation
        self.uuid: str = row.uuid
        self.started: str = row.started
        self._folder = home / "models" / quote(self.key, safe="")

    # What was recorded

    def results(self) -> Mapping[str, TrialResult]:
        """All results recorded so far, by trial id, in the order in which they were recorded."""
        return dict(self._recorded())

    def chosen(self, trials: Collection[str]) -> Mapping[str, TrialResult]:
        """The results of these trials, by trial id, in the order in which they were recorded."""
        return dict(self._recorded(db.trial.c.trial.in_(list(trials))))

    def searches(self) -> Iterator[TrialResult]:
        """The results of all searches."""
        for _, result in self._recorded(db.trial.c.stage == Stage.SEARCH.value):
            yield result

    def evidence(self, pair: str) -> Iterator[TrialResult]:
        """The results of one pair, those of searches without their curves."""
        for _, result in self._recorded(db.trial.c.pair == pair):
            search = result.spec.stage is Stage.SEARCH
            yield result.model_copy(update={"curve": _NO_CURVE}) if search else result

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Make results durable before it returns; a trial recorded already keeps its first result.

        Raises:
            ArchduelError: the disk is full, or the database is locked or damaged. What was recorded
                before is untouched; none of `outcomes` is recorded.
        """
        first: dict[str, Outcome] = {}
        for outcome in outcomes:
            first.setdefault(outcome.result.spec.id, outcome)
        modelled = [identity for identity, one in first.items() if one.model is not None]
        known = self._known(modelled) if modelled else set()
        rows = []
        for identity, outcome in first.items():
            spec = outcome.result.spec
            model = None if outcome.model is None else f"{identity}.zip"
            if model is not None and outcome.model is not None and identity not in known:
                # The file comes first: a row never names a model that is not there.
                write_durably(self._folder / model, outcome.model)
            rows.append(
                {
                    "experiment_id": self.identity,
                    "trial": identity,
                    "pair": spec.pair,
                    "variant": spec.variant,
                    "stage": spec.stage.value,
                    "repetition": spec.repetition,
                    "number": spec.number,
                    "status": outcome.result.status.value,
                    "model": model,
                    "result": outcome.result.model_dump_json(),
                }
            )
        if not rows:
            return
        with self.database.writing() as connection:
            self.database.add(db.trial, rows, connection)
            self._update(connection, updated=now())

    def models(self, trials: Collection[str]) -> dict[str, Path]:
        """The zipped MLflow models that were kept of these trials, by trial id."""
        query = sa.select(db.trial.c.trial, db.trial.c.model).where(
            db.trial.c.experiment_id == self.identity,
            db.trial.c.trial.in_(list(trials)),
            db.trial.c.model.is_not(None),
        )
        with self.database.reading() as connection:
            rows = connection.execute(query.order_by(db.trial.c.row)).all()
        return {row.trial: self._folder / row.model for row in rows}

    # The experiment itself

    @property
    def plan(self) -> Plan:
        """The plan of the latest run."""
        try:
            return Plan.model_validate_json(self._row().plan)
        except ValidationError as error:
            raise ArchduelError(
                f"{self.database.place}: another version of archduel wrote the plan of '{self.key}', "
                f"and this one cannot read it ({error.error_count()} fields); use that version"
            ) from error

    def set_strategies(self, plan: Plan) -> None:
        """Keep the strategies that were chosen for this plan's pairs; its protocol is the same."""
        text = json.dumps(plan.model_dump(mode="json"))
        with self.database.writing() as connection:
            self._update(connection, plan=text, updated=now())

    @property
    def facts(self) -> dict[str, Any]:
        """The facts of the first run."""
        return dict(json.loads(self._row().facts))

    @property
    def sessions(self) -> list[SessionRow]:
        """Every run of the experiment, in order."""
        query = (
            sa.select(db.session)
            .where(db.session.c.experiment_id == self.identity)
            .order_by(db.session.c.id)
        )
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        return [SessionRow(started=row.started, facts=json.loads(row.facts)) for row in rows]

    @property
    def state(self) -> State:
        """How the experiment stands."""
        state: State = self._row().state
        return state

    @property
    def updated(self) -> str:
        """When something was last recorded: UTC, ISO 8601."""
        return str(self._row().updated)

    def set_state(self, state: State) -> None:
        """Record how the experiment stands."""
        with self.database.writing() as connection:
            self._update(connection, state=state, updated=now())

    @property
    def verdicts(self) -> dict[str, Any]:
        """The verdicts by pair, as they were set."""
        return dict(json.loads(self._row().verdicts))

    def set_verdicts(self, verdicts: Mapping[str, Any]) -> None:
        """Record the verdicts.

        Args:
            verdicts: JSON by pair: a sentence, or a document whose "sentence" is one.
        """
        text = json.dumps(dict(verdicts), allow_nan=False)
        with self.database.writing() as connection:
            self._update(connection, verdicts=text, updated=now())

    # Inside

    def _row(self) -> sa.Row[Any]:
        query = sa.select(db.experiment).where(db.experiment.c.id == self.identity)
        with self.database.reading() as connection:
            return connection.execute(query).one()

    def _update(self, connection: sa.Connection, **values: Any) -> None:
        connection.execute(
            sa.update(db.experiment).where(db.experiment.c.id == self.identity).values(**values)
        )

    def _recorded(self, *which: sa.ColumnElement[bool]) -> Iterator[tuple[str, TrialResult]]:
        """Trial ids and results in the order of recording, read page by page."""
        last = 0
        query = (
            sa.select(db.trial.c.row, db.trial.c.trial, db.trial.c.result)
            .where(db.trial.c.experiment_id == self.identity, *which)
            .order_by(db.trial.c.row)
            .limit(_PAGE)
        )
        while True:
            with self.database.reading() as connection:
                rows = connection.execute(query.where(db.trial.c.row > last)).all()
            for row in rows:
                yield row.trial, self._parsed(row.trial, row.result)
                last = row.row
            if len(rows) < _PAGE:
                return

    def _known(self, identities: Iterable[str]) -> set[str]:
        query = sa.select(db.trial.c.trial).where(
            db.trial.c.experiment_id == self.identity, db.trial.c.trial.in_(list(identities))
        )
        with self.database.reading() as connection:
            return set(connection.scalars(query))

    def _parsed(self, identity: str, text: str) -> TrialResult:
        try:
            return TrialResult.model_validate_json(text)
        except ValidationError as error:
            raise ArchduelError(
                f"{self.database.place}: the result of trial {identity} of '{self.key}' cannot be "
                "read: another version of archduel wrote it, or the file is damaged; use that "
                "version or a backup, or run the experiment with --fresh"
            ) from error
