"""What a trial looks like in MLflow: names, tags, parameters and points, all from the ledger.

The same result gives the same document at any time, timestamps included, so sending it twice
writes nothing twice. MLflow itself is not needed here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from service.contracts.plan import PairPlan
from service.contracts.results import TrialResult
from service.contracts.trial import Stage, Status

TRIAL_TAG = "archduel.trial"
PAIR_TAG = "archduel.pair"
LEDGER_TAG = "archduel.ledger"
NOTE_TAG = "mlflow.note.content"
PARENT_TAG = "mlflow.parentRunId"

_MAX_TAG = 7_900  # MLflow's column holds 8,000
_MAX_PARAM = 5_900  # and 6,000
_MAX_NAME = 250
_RUN_STATUS = {
    Status.OK: "FINISHED",
    Status.PRUNED: "KILLED",
    Status.TIMED_OUT: "KILLED",
    Status.LOST: "KILLED",
}


@dataclass(frozen=True)
class Point:
    """One value of one metric; `timestamp` in milliseconds since 1970."""

    key: str
    value: float
    timestamp: int
    step: int = 0


@dataclass(frozen=True)
class RunDocument:
    """One run, complete.

    Args:
        name: shown in MLflow's table.
        start, end: milliseconds since 1970.
        status: one of MLflow's.
        tags, params: texts by key.
        curve: what was seen after each epoch.
        scalars: one point each.
    """

    name: str
    start: int
    end: int
    status: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    curve: tuple[Point, ...]
    scalars: tuple[Point, ...]


def trial_run(result: TrialResult, pair: PairPlan, fallback: str) -> RunDocument:
    """The run of one trial.

    Args:
        result: as the ledger holds it.
        pair: names the metric.
        fallback: when it ended (ISO 8601) where the result does not say.
    """
    cost = result.cost
    end = milliseconds(result.finished_at or fallback)
    start = end - round(1000 * cost.total_seconds)
    metric = key(pair.metric.name)
    curve, scalars = _points(result, metric, end)
    return RunDocument(
        name=_name(result),
        start=start,
        end=end,
        status=_RUN_STATUS.get(result.status, "FAILED"),
        tags=_tags(result),
        params=_params(result),
        curve=curve,
        scalars=scalars,
    )


def is_acceptable(document: RunDocument) -> bool:
    """Whether MLflow takes every name; the texts are cut to what it takes."""
    names = (*document.params, *document.tags, *(p.key for p in document.curve + document.scalars))
    return all(len(name) <= _MAX_NAME for name in names)


def key(name: str) -> str:
    """A metric's name as one word ("mean absolute error" -> "mean_absolute_error")."""
    return re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_").lower()


def clipped(text: str) -> str:
    """The text, cut to what MLflow keeps of a tag."""
    return text if len(text) <= _MAX_TAG else text[: _MAX_TAG - 1] + "…"


def milliseconds(moment: str) -> int:
    """An ISO 8601 time, UTC where it does not say, as milliseconds since 1970."""
    parsed = datetime.fromisoformat(moment)
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    return round(parsed.timestamp() * 1000)


def _name(result: TrialResult) -> str:
    spec = result.spec
    stage = "" if spec.stage is Stage.CONTROL else f" {spec.stage.value}"
    return f"{spec.variant} r{spec.repetition:02d}{stage} {spec.number:02d}"


def _tags(result: TrialResult) -> dict[str, str]:
    spec = result.spec
    tags = {
        TRIAL_TAG: spec.id,
        "pair": spec.pair,
        "variant": spec.variant,
        "stage": spec.stage.value,
        "repetition": str(spec.repetition),
        "number": str(spec.number),
        "status": result.status.value,
        "seed.split": str(spec.seeds.split),
        "seed.weights": str(spec.seeds.weights),
        "seed.order": str(spec.seeds.order),
        "backend": spec.runtime.backend,
        "data": spec.data,
        "code": spec.code,
        "mlflow.source.name": "archduel",
        "mlflow.source.type": "JOB",
    }
    optional = {
        "reason": result.reason,
        "worker": result.cost.worker,
        "weights_digest": result.weights_digest,
        "attempt": str(result.cost.attempt) if result.cost.attempt > 1 else None,
    }
    tags.update({name: value for name, value in optional.items() if value})
    return {name: clipped(value) for name, value in tags.items()}


def _params(result: TrialResult) -> dict[str, str]:
    spec = result.spec
    params = {"epochs": str(spec.epochs)}
    if spec.budget is not None:
        params["parameter_budget"] = str(spec.budget)
    for name, value in {**spec.hyperparameters, **result.hyperparameters}.items():
        word = re.sub(r"[^\w.\- /]", "_", name, flags=re.ASCII)
        params[word] = str(value)[:_MAX_PARAM]
    return params


def _points(
    result: TrialResult, metric: str, end: int
) -> tuple[tuple[Point, ...], tuple[Point, ...]]:
    cost = result.cost
    validation = dict(enumerate(result.curve.validation, start=1))
    if result.score is not None:
        validation[max(result.epochs, len(validation))] = result.score
    curves = {
        "loss": dict(enumerate(result.curve.loss, start=1)),
        f"validation_{metric}": validation,
    }
    last = max([1, *(step for points in curves.values() for step in points)])
    # Epochs are not timed one by one: they share the training time equally.
    each = 1000 * cost.train_seconds / last
    curve = tuple(
        Point(name, value, end - round((last - step) * each), step)
        for name, points in curves.items()
        for step, value in points.items()
    )
    peak, latency = cost.peak_memory_bytes, cost.latency_seconds
    values: dict[str, float | int | None] = {
        f"test_{metric}": result.test_score,
        f"baseline_{metric}": result.baseline_score,
        **{f"test_{key(name)}": value for name, value in result.also.items()},
        "parameters": result.parameters,
        "flops": result.flops,
        "train_seconds": cost.train_seconds,
        "compile_seconds": cost.compile_seconds,
        "latency_ms": None if latency is None else 1000 * latency,
        "peak_memory_mb": None if peak is None else peak / 1e6,
    }
    scalars = tuple(
        Point(name, float(value), end) for name, value in values.items() if value is not None
    )
    return curve, scalars
