"""Time to a target, on rows made by hand."""

from __future__ import annotations

import pytest

from service.contracts.plan import MetricPlan
from service.contracts.results import Cost, Curve
from service.contracts.trial import Stage, Status
from service.evidence.target import target, time_to
from tests.evidence import synthetic

ACCURACY = MetricPlan(name="accuracy", direction="maximize", unit="fraction")
ERROR = MetricPlan(name="error", direction="minimize", unit="kW")


@pytest.fixture
def rows():
    made = synthetic.experiment(truth=synthetic.Truth(diverge=False))
    return [row for row in made.results if row.spec.variant == "sequential"]


def winners(rows, curves):
    base = [row for row in rows if row.spec.stage is Stage.RETRAIN]
    return [
        row.model_copy(
            update={
                "curve": Curve(loss=curve, validation=curve),
                "epochs": len(curve),
                "score": curve[-1],
                "cost": Cost(train_seconds=float(len(curve))),
            }
        )
        for row, curve in zip(base, curves, strict=False)
    ]


def test_the_first_epoch_that_is_good_enough_counts(rows):
    found = winners(rows, [(0.1, 0.6, 0.5, 0.9), (0.7, 0.8, 0.8, 0.8), (0.1, 0.2, 0.3, 0.4)])
    assert target(found) == 0.8
    reached = time_to(0.55, ACCURACY, "sequential", found, 4)
    assert (reached.reached, reached.n_planned) == (2, 4)
    assert reached.epochs == 1.5
    assert reached.seconds == 1.5
    assert time_to(0.15, ERROR, "sequential", found, 4).reached == 2
    never = time_to(2.0, ACCURACY, "sequential", found, 4)
    assert (never.reached, never.epochs, never.seconds) == (0, None, None)


def test_failed_trainings_reach_nothing(rows):
    failed = [synthetic.failing(row, Status.TIMED_OUT, "late") for row in winners(rows, [(0.9,)])]
    assert target(failed) is None
    assert time_to(0.1, ACCURACY, "sequential", failed, 1).reached == 0
