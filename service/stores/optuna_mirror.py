"""A projection of the ledger that optuna-dashboard opens: one study per pair, variant, repetition.

    optuna-dashboard sqlite:///optuna.db

It is only ever written from the ledger and can be deleted at any time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from service.contracts.pair import Scalar
from service.contracts.plan import Plan, RangePlan
from service.contracts.results import TrialResult
from service.contracts.trial import Stage, Status
from service.stores.optuna_search import bounds, quieten

if TYPE_CHECKING:
    import optuna

_TRIAL = "archduel.trial"


def mirror(key: str, plan: Plan, results: Iterable[TrialResult], url: str) -> int:
    """Write the searches among `results` as Optuna studies; what is there already stays.

    A study is "<key>/<pair>/<variant>/<repetition>". Where its trials are the beginning of the
    ledger's, the rest is added; where they are not (another order, another experiment of this key)
    the study is written anew. So writing the same twice changes nothing.

    Args:
        key: the experiment's key.
        plan: gives the metrics' directions and the ranges.
        results: the ledger's.
        url: the SQLAlchemy address of the file, "sqlite:///path/optuna.db".

    Returns:
        How many trials were written.
    """
    import optuna

    quieten(optuna)
    storage = _storage(optuna, url)
    try:
        studies = {study.study_name for study in optuna.get_all_study_summaries(storage)}
        written = 0
        for (pair, variant, repetition), searched in _studies(results).items():
            name = f"{key}/{pair}/{variant}/{repetition:02d}"
            ids = [result.spec.id for result in searched]
            there: list[Any] = []
            if name in studies:
                study = optuna.load_study(study_name=name, storage=storage)
                there = [trial.user_attrs.get(_TRIAL) for trial in study.get_trials(deepcopy=False)]
                if there != ids[: len(there)]:
                    optuna.delete_study(study_name=name, storage=storage)
                    studies.remove(name)
                    there = []
            facts = plan.pair(pair)
            if name not in studies:
                study = optuna.create_study(
                    study_name=name, storage=storage, direction=facts.metric.direction
                )
                study.set_user_attr("metric", f"validation {facts.metric.name}")
            space = facts.space(variant)
            for result in searched[len(there) :]:
                study.add_trial(_trial(optuna, result, space))
                written += 1
        return written
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _studies(results: Iterable[TrialResult]) -> dict[tuple[str, str, int], list[TrialResult]]:
    studies: dict[tuple[str, str, int], list[TrialResult]] = defaultdict(list)
    for result in results:
        if result.spec.stage is Stage.SEARCH:
            studies[result.spec.pair, result.spec.variant, result.spec.repetition].append(result)
    for searched in studies.values():
        searched.sort(key=lambda result: result.spec.number)
    return dict(sorted(studies.items()))


def _storage(optuna: Any, url: str) -> Any:
    parsed = sa.make_url(url)
    sqlite = parsed.get_backend_name() == "sqlite"
    if sqlite and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    storage = optuna.storages.RDBStorage(
        url, engine_kwargs={"connect_args": {"timeout": 20}} if sqlite else None
    )
    if sqlite:
        # An fsync a statement would make this the slowest part of a run, and a file that can be
        # rebuilt needs none.
        storage.engine.dispose()
        sa.event.listen(storage.engine, "connect", _without_fsync)
    return storage


def _without_fsync(connection: Any, record: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF")


def _trial(
    optuna: Any, result: TrialResult, space: dict[str, RangePlan]
) -> optuna.trial.FrozenTrial:
    states = optuna.trial.TrialState
    state = {Status.OK: states.COMPLETE, Status.PRUNED: states.PRUNED}.get(
        result.status, states.FAIL
    )
    if state is states.COMPLETE and result.score is None:
        state = states.FAIL
    attributes = {
        _TRIAL: result.spec.id,
        "status": result.status.value,
        "reason": result.reason,
        "parameters": result.parameters,
        "train_seconds": result.cost.train_seconds,
    }
    trial = optuna.trial.create_trial(
        state=state,
        value=result.score if state is states.COMPLETE else None,
        params={name: _shown(space[name], result.spec.hyperparameters[name]) for name in space},
        distributions={name: _range(optuna, name, plan) for name, plan in space.items()},
        intermediate_values=dict(enumerate(result.curve.validation, start=1)),
        user_attrs={name: value for name, value in attributes.items() if value is not None},
    )
    if result.finished_at:
        # Optuna's times are local and carry no zone.
        end = datetime.fromisoformat(result.finished_at).astimezone().replace(tzinfo=None)
        trial.datetime_complete = end
        trial.datetime_start = end - timedelta(seconds=result.cost.total_seconds)
    return trial


def _range(optuna: Any, name: str, plan: RangePlan) -> Any:
    if plan.kind == "choice":
        return optuna.distributions.CategoricalDistribution(
            [_shown(plan, value) for value in plan.values]
        )
    low, high = bounds(name, plan)
    if plan.kind == "whole":
        return optuna.distributions.IntDistribution(int(low), int(high), log=plan.log)
    return optuna.distributions.FloatDistribution(low, high, log=plan.log)


def _shown(plan: RangePlan, value: Scalar) -> Scalar:
    """The value itself, or its text where Optuna would take two choices for one (1 and True)."""
    return value if _distinct(plan.values) else repr(value)


def _distinct(values: Sequence[Scalar]) -> bool:
    return len(set(values)) == len(values)
