"""Measured costs are compared within repetitions, so that a busy machine falls on both variants."""

from __future__ import annotations

import pytest

from service.contracts.results import Cost as TrialCost
from service.contracts.results import TrialResult
from service.contracts.trial import Runtime, Seeds, Stage, Status, TrialSpec
from service.evidence.spending import costs


def retrained(variant: str, seconds: list[float]) -> list[TrialResult]:
    return [
        TrialResult(
            spec=TrialSpec(
                pair="iris",
                code="c",
                data="d",
                variant=variant,
                stage=Stage.RETRAIN,
                repetition=repetition,
                number=0,
                hyperparameters={},
                budget=None,
                epochs=1,
                seeds=Seeds(split=0, weights=0, order=0),
                runtime=Runtime(),
            ),
            status=Status.OK,
            parameters=100 if variant == "sequential" else 120,
            cost=TrialCost(train_seconds=value),
        )
        for repetition, value in enumerate(seconds)
    ]


def test_a_ratio_that_holds_in_every_repetition_is_narrow_however_the_machine_swings() -> None:
    swings = [1.0, 10.0, 2.0, 30.0, 0.5]
    noise = [1.01, 0.99, 1.0, 1.02, 0.98]
    found = {
        cost.name: cost
        for cost in costs(
            retrained("sequential", swings),
            retrained("functional", [1.5 * s * n for s, n in zip(swings, noise, strict=True)]),
            5,
        )
    }
    time = found["training time"]
    assert time.ratio == pytest.approx(1.5, rel=0.01)
    assert time.interval is not None
    assert 1.45 < time.interval[0] < 1.5 < time.interval[1] < 1.55
    assert found["parameters"].ratio == pytest.approx(1.2)
    assert found["parameters"].interval is None


def test_the_inverse_comparison_has_the_inverse_interval() -> None:
    one, other = [1.0, 2.0, 3.0], [1.5, 2.5, 2.9]
    forth = costs(retrained("a", one), retrained("b", other), 3)[2]
    back = costs(retrained("a", other), retrained("b", one), 3)[2]
    assert forth.interval is not None
    assert back.interval is not None
    assert forth.ratio == pytest.approx(1 / (back.ratio or 0))
    assert forth.interval == pytest.approx((1 / back.interval[1], 1 / back.interval[0]))


def test_one_measurement_has_no_interval() -> None:
    assert costs(retrained("a", [1.0]), retrained("b", [2.0]), 1)[2].interval is None
