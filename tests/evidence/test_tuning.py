"""What the luck of a score is made of, and what a longer search would find."""

from __future__ import annotations

import pytest

from service.contracts.trial import Stage
from service.evidence import latest
from service.evidence.tuning import budget_curve, variances
from service.report import ReportInput, render
from tests.evidence import synthetic


def test_repetitions_and_seeds_share_the_variance() -> None:
    plan = synthetic.make_plan(looks=(60,), trials=2)
    made = synthetic.experiment(plan=plan, truth=synthetic.Truth(sd=0.01, diverge=False))
    tally = latest(made.plan, made.pair, made.results).tally
    found = variances(made.plan, tally)
    for shares in found:
        # Drawn: difficulty sd^2 and level (sd/2)^2 of a repetition, (sd/2)^2 of a seed.
        assert shares.split_share == pytest.approx(5 / 6, abs=0.12)
        assert shares.split_share + shares.seed_share == pytest.approx(1.0)


@pytest.mark.parametrize(("anew", "known"), [("search", True), ("seeds", False)])
def test_a_fixed_split_leaves_the_search_alone(anew: str, known: bool) -> None:
    made = synthetic.experiment(repetitions=10)
    design = made.plan.design.model_copy(update={"anew": anew})
    tally = latest(made.plan, made.pair, made.results).tally
    first, second = variances(made.plan.model_copy(update={"design": design}), tally)
    assert (first is not None) == (second is not None) == known
    assert first is None or (first.split is None and first.search_share > 0)


def test_a_longer_search_finds_no_less() -> None:
    made = synthetic.experiment(repetitions=10)
    tally = latest(made.plan, made.pair, made.results).tally
    for variant in made.pair.variants:
        curve = budget_curve(made.plan, made.pair, variant, made.results, tally)
        assert list(curve.expected) == sorted(curve.expected)
        assert curve.n_planned == 80
        assert 0 < curve.n_ok < 80  # some diverged: they cost, too
        again = budget_curve(made.plan, made.pair, variant, made.results[::-1], tally)
        assert again == curve


def test_without_a_baseline_failed_trials_cannot_be_counted() -> None:
    made = synthetic.experiment(repetitions=10)
    rows = [r.model_copy(update={"baseline_score": None}) for r in made.results]
    tally = latest(made.plan, made.pair, rows).tally
    assert budget_curve(made.plan, made.pair, made.pair.variants[0], rows, tally) is None
    ok = [r for r in rows if r.ok or r.spec.stage is not Stage.SEARCH]
    assert budget_curve(made.plan, made.pair, made.pair.variants[0], ok, tally) is not None


def test_both_are_told_in_the_report() -> None:
    made = synthetic.experiment(repetitions=10)
    text = render(ReportInput(made.plan, made.results, {}), "md")
    assert "What a search of another length would find" in text
    assert "8 (the protocol's)" in text
    assert "Where the variance of a test score comes from" in text
