"""A projection of the ledger that optuna-dashboard opens: one study per pair, variant, repetition.

    optuna-dashboard ~/.archduel/runs/iris/optuna.journal

It is only ever written from the ledger and can be deleted at any time. It is a journal, because
appending a trial to one takes 1 ms, where Optuna's SQLite storage takes 60.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.contracts.pair import Scalar
from service.contracts.plan import Plan, RangePlan
from service.contracts.results import TrialResult
from service.contracts.trial import Status
from service.stores.experiment_ledger import ExperimentLedger
from service.stores.optuna_search import bounds, quieten

if TYPE_CHECKING:
    import optuna

_TRIAL = "archduel.trial"


def mirror(ledger: ExperimentLedger, file: Path) -> int:
    """Append what the file lacks of the ledger's searches; nothing is written twice.

    A study is "<pair>/<variant>/<repetition>", its trials in the order of their numbers: one that
    came in before an earlier one waits for it. A file that cannot be read, or that holds what the
    ledger does not, is written anew.

    Args:
        ledger: of one experiment.
        file: the journal; its folder is made.

    Returns:
        How many trials were written.
    """
    import optuna

    quieten(optuna)
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _append(optuna, ledger, file)
    except Exception:  # whatever Optuna makes of a line that was cut off; a second time it counts
        file.unlink(missing_ok=True)
        return _append(optuna, ledger, file)


def _append(optuna: Any, ledger: ExperimentLedger, file: Path) -> int:
    journal = optuna.storages.journal.JournalFileBackend(str(file))
    storage = optuna.storages.JournalStorage(journal)
    studies = {one.study_name: one for one in optuna.get_all_study_summaries(storage)}
    there = {name: _written(optuna, storage, name) for name in studies}
    left = {identity for ids in there.values() for identity in ids}
    new: dict[str, dict[int, TrialResult]] = defaultdict(dict)
    for result in ledger.searches():
        spec = result.spec
        if spec.id in left:
            left.remove(spec.id)
        else:
            name = f"{spec.pair}/{spec.variant}/{spec.repetition:02d}"
            new[name][spec.number] = result
    if left:
        raise ValueError("the journal is another experiment's")
    plan, written = ledger.plan, 0
    for name, found in sorted(new.items()):
        number = len(there.get(name, ()))
        if number not in found:
            continue
        study = _study(optuna, storage, plan, name, begun=name in studies)
        pair, variant, _ = name.rsplit("/", 2)
        space = plan.pair(pair).space(variant)
        while number in found:
            study.add_trial(_trial(optuna, found[number], space))
            number += 1
            written += 1
    return written


def _written(optuna: Any, storage: Any, name: str) -> list[str]:
    study = optuna.load_study(study_name=name, storage=storage)
    return [str(trial.user_attrs.get(_TRIAL)) for trial in study.get_trials(deepcopy=False)]


def _study(optuna: Any, storage: Any, plan: Plan, name: str, *, begun: bool) -> Any:
    if begun:
        return optuna.load_study(study_name=name, storage=storage)
    metric = plan.pair(name.rsplit("/", 2)[0]).metric
    study = optuna.create_study(study_name=name, storage=storage, direction=metric.direction)
    study.set_user_attr("metric", f"validation {metric.name}")
    return study


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
