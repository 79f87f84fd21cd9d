"""Secondary regimes: what the same searches would have found under budgets equal in another way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.contracts.results import Cost, TrialResult
from service.contracts.trial import Stage, Status
from service.evidence import latest
from service.evidence.regimes import regimes
from service.report import ReportInput, render
from tests.evidence import synthetic


def searches(
    scores: tuple[list[float], list[float]], seconds: tuple[float, float]
) -> list[dict[str, list[TrialResult]]]:
    """One search per variant with these validation scores, and this long a training."""
    plan = synthetic.make_plan(trials=len(scores[0]))
    made = synthetic.experiment(plan=plan, truth=synthetic.Truth(diverge=False), repetitions=1)
    found: dict[str, list[TrialResult]] = {}
    for variant, mine, each in zip(made.pair.variants, scores, seconds, strict=True):
        rows = [
            row
            for row in made.results
            if row.spec.variant == variant and row.spec.stage is Stage.SEARCH
        ]
        found[variant] = [
            row.model_copy(update={"score": score, "cost": Cost(train_seconds=each), "flops": 10})
            for row, score in zip(rows, mine, strict=True)
        ]
    return [found]


def test_a_variant_that_trains_longer_gets_fewer_trials() -> None:
    plan = synthetic.pair_plan()
    found = searches(([0.7, 0.8, 0.7, 0.7], [0.75, 0.7, 0.7, 0.9]), (1.0, 2.0))
    trials, seconds, flops = regimes(plan.metric, plan.variants, found, 1)
    assert (trials.trials, trials.difference) == ((4, 4), pytest.approx(0.1))
    assert (seconds.budget, seconds.trials) == (4.0, (4, 2))
    assert seconds.difference == pytest.approx(-0.05)
    assert seconds.measured
    assert (flops.trials, flops.difference) == ((4, 4), pytest.approx(0.1))
    assert trials.interval is None  # one search


def test_failed_trials_cost_and_win_nothing() -> None:
    plan = synthetic.pair_plan()
    found = searches(([0.7, 0.8], [0.9, 0.75]), (1.0, 1.0))
    first = found[0][plan.variants[1]][0]
    found[0][plan.variants[1]][0] = synthetic.failing(first, Status.FAILED, "broke")
    trials, *_ = regimes(plan.metric, plan.variants, found, 1)
    assert (trials.trials, trials.difference) == ((2, 2), pytest.approx(-0.05))


def test_what_is_not_known_is_left_out_and_counted() -> None:
    plan = synthetic.pair_plan()
    found = searches(([0.7], [0.9]), (1.0, 1.0))
    row = found[0][plan.variants[0]][0]
    found[0][plan.variants[0]][0] = row.model_copy(update={"flops": None})
    *_, flops = regimes(plan.metric, plan.variants, found, 1)
    assert (flops.difference, flops.n_ok, flops.n_planned) == (None, 0, 1)


def test_swapping_the_variants_mirrors_them() -> None:
    made = synthetic.experiment(repetitions=10)
    turned = synthetic.swapped(made)
    for one, other in zip(
        latest(made.plan, made.pair, made.results).tally.regimes,
        latest(turned.plan, turned.pair, turned.results).tally.regimes,
        strict=True,
    ):
        assert other.difference == pytest.approx(-one.difference)
        assert other.trials == one.trials[::-1]
        assert replace(other, difference=0, interval=None, trials=None) == replace(
            one, difference=0, interval=None, trials=None
        )


def test_the_report_prints_them_as_secondary() -> None:
    made = synthetic.experiment(repetitions=10)
    text = render(ReportInput(made.plan, made.results, {}), "md")
    assert "Secondary: the same searches under other equal budgets" in text
    assert "No verdict rests on this table" in text
