"""Plans and results out of nothing, the same in every process."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from service.contracts.plan import (
    DesignPlan,
    MetricPlan,
    PairPlan,
    Plan,
    RangePlan,
    ResourcePlan,
    SearchPlan,
)
from service.contracts.results import Cost, Curve, Outcome, TrialResult
from service.contracts.trial import Runtime, Seeds, Stage, Status, TrialSpec

SPACE = {
    "learning_rate": RangePlan(kind="real", low=1e-4, high=1e-1, log=True),
    "batch_size": RangePlan(kind="choice", values=(16, 32)),
}


def a_pair(name="iris", **changes):
    fields = {
        "name": name,
        "reference": name,
        "code": "c0de",
        "title": "Iris",
        "question": "Does a skip help?",
        "variants": ("sequential", "functional"),
        "metric": MetricPlan(name="accuracy", direction="maximize", unit="fraction"),
        "margin": 0.01,
        "epochs": 3,
        "budget": 400,
        "spaces": {"sequential": SPACE, "functional": SPACE},
        "shared": ("learning_rate", "batch_size"),
        "source": "scikit-learn load_iris",
        "licence": "BSD-3-Clause",
        "baseline": "always the most frequent class",
    }
    return PairPlan(**{**fields, **changes})


def a_plan(experiment="iris", pairs=None, **changes):
    fields = {
        "experiment": experiment,
        "backend": "tensorflow",
        "pairs": pairs or (a_pair(),),
        "search": SearchPlan(trials=4, sampler="tpe", pruner="none", batch=2),
        "design": DesignPlan(looks=(2,), retrain=1, confidence=0.95, seed=7),
        "resources": ResourcePlan(
            cpus_per_trial=1, gpus_per_trial=0, max_parallel=None, trial_timeout_seconds=60
        ),
        "data_source": "packaged",
        "data_path": None,
        "mlflow": None,
        "config": "name: iris",
    }
    return Plan(**{**fields, **changes})


def a_result(number=0, *, pair="iris", variant="sequential", stage="search", status="ok", rep=0):
    """A result that only these arguments decide, finished at a time that `number` decides."""
    rng = random.Random(f"{number} {pair} {variant} {stage} {rep}")
    stage, status = Stage(stage), Status(status)
    hyperparameters = {
        "learning_rate": 10 ** rng.uniform(-4, -1),
        "batch_size": rng.choice([16, 32]),
    }
    validation = tuple(rng.random() for _ in range(3))
    ok = status is Status.OK
    return TrialResult(
        spec=TrialSpec(
            pair=pair,
            code="c0de",
            data="da7a" * 4,
            variant=variant,
            stage=stage,
            repetition=rep,
            number=number,
            hyperparameters=hyperparameters,
            budget=400,
            epochs=3,
            seeds=Seeds(split=1, weights=2**60 + number, order=3),
            runtime=Runtime(),
        ),
        status=status,
        reason=None if ok else f"it was {status.value}",
        score=validation[-1] if ok else None,
        test_score=rng.random() if ok and stage is Stage.RETRAIN else None,
        baseline_score=0.3 if ok and stage is Stage.RETRAIN else None,
        curve=Curve(loss=(1.0, 0.5, 0.25), validation=validation),
        epochs=3,
        hyperparameters={**hyperparameters, "width": 17},
        parameters=398,
        flops=800,
        weights_digest="d16e57",
        examples=(90, 30, 30),
        cost=Cost(
            train_seconds=0.05,
            compile_seconds=1.5,
            total_seconds=1.75,
            latency_seconds=0.002 if stage is Stage.RETRAIN else None,
            peak_memory_bytes=300_000_000,
            worker="host/1",
        ),
        finished_at=(
            datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=number + 100 * rep)
        ).isoformat(timespec="milliseconds"),
    )


def outcomes(count, start=0, **changes):
    return [Outcome(a_result(number, **changes)) for number in range(start, start + count)]
