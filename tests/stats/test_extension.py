"""Extensions: what is left of alpha, and how the planned part and the new one combine."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from service.stats import extension, paired, simulate
from service.stats.sequential import boundaries, crossing_probability
from service.stats.simulate import EQUIVALENT, FUNCTIONAL, INCONCLUSIVE, SEQUENTIAL
from service.stats.verdict import Decision, Evidence, Rule, decide, sentence

LOOKS = (10, 20, 30)
KINDS = {
    INCONCLUSIVE: Decision.INCONCLUSIVE,
    FUNCTIONAL: Decision.FUNCTIONAL_BETTER,
    SEQUENTIAL: Decision.SEQUENTIAL_BETTER,
    EQUIVALENT: Decision.EQUIVALENT,
}


@pytest.mark.parametrize("sides", [1, 2])
@pytest.mark.parametrize(("reserve", "rates"), [(0.0, (0.05, 0.075)), (0.5, (0.025, 0.0375))])
def test_each_extension_spends_what_is_stated(sides, reserve, rates):
    assert [extension.error_rate(0.05, reserve, e) for e in (0, 1)] == pytest.approx(rates)
    found = extension.levels(LOOKS, 0.05, 1, reserve, sides)
    assert found[:3] == boundaries(LOOKS, rates[0], sides)
    assert crossing_probability((*LOOKS, 60), found, sides) == pytest.approx(rates[1], abs=1e-6)


def test_however_often_one_extends_the_rate_is_bounded():
    many = [extension.error_rate(0.05, 0.0, e) for e in range(20)]
    kept = [extension.error_rate(0.05, 0.4, e) for e in range(20)]
    assert sorted(many) == many
    assert max(many) < 0.1
    assert max(kept) < 0.05
    assert kept[0] == pytest.approx(0.03)


def test_an_independent_calculation_agrees():
    rng = np.random.default_rng(4)
    stages = [rng.normal(0.3, 1, 30), rng.normal(0.3, 1, 12)]
    p = [stats.ttest_1samp(stage, 0.0, alternative="greater").pvalue for stage in stages]
    found = extension.t_interval(stages, 0.04)
    z = sum(stats.norm.isf(p)) / math.sqrt(2)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-9)
    combined = stats.combine_pvalues(p, method="stouffer").pvalue
    assert found.p_value / 2 == pytest.approx(combined, rel=1e-9)
    low, high = found.interval
    for end, side in ((low, "greater"), (high, "less")):
        p = [stats.ttest_1samp(stage, end, alternative=side).pvalue for stage in stages]
        assert stats.combine_pvalues(p, method="stouffer").pvalue == pytest.approx(0.02, rel=1e-6)


@given(
    st.lists(st.floats(-5, 5), min_size=2, max_size=8),
    st.lists(st.floats(-5, 5), min_size=2, max_size=8),
)
@settings(max_examples=60, deadline=None)
def test_swapping_the_variants_mirrors_everything(first, second):
    stages = [np.array(first), np.array(second)]
    ours = extension.t_interval(stages, 0.05)
    theirs = extension.t_interval([-stage for stage in stages], 0.05)
    assert ours.p_value == theirs.p_value
    if ours.interval is None:
        assert theirs.interval is None
    else:
        assert theirs.interval == (-ours.interval[1], -ours.interval[0])
        assert (ours.interval[0] > 0 or ours.interval[1] < 0) <= (ours.p_value <= 0.05)
    inside = extension.tost(stages, 1.0, 0.05)
    assert inside.p_value == extension.tost([-stage for stage in stages], 1.0, 0.05).p_value


def test_a_stage_that_says_nothing_leaves_no_certainty():
    one = [np.array([1.0, 1.1, 0.9]), np.array([1.0])]
    assert extension.t_interval(one, 0.05).p_value > paired.t_interval(one[0], 0.05).p_value
    empty = [np.array([1.0]), np.array([2.0])]
    assert extension.t_interval(empty, 0.05).interval is None
    zeros = [np.zeros(4), np.zeros(3)]
    assert extension.t_interval(zeros, 0.05).interval == (0.0, 0.0)
    constant = [np.ones(6), np.full(6, 2.0)]
    assert extension.t_interval(constant, 0.05).p_value < 0.05


def test_planned_looks_are_decided_as_if_no_extension_followed():
    d = np.random.default_rng(2).normal(0.1, 1, 30)
    plain = decide(Evidence(d, 30), Rule(0.3, LOOKS, 2))
    extended = decide(Evidence(d, 30), Rule(0.3, LOOKS, 2, extensions=(12,)))
    assert plain.final
    assert not extended.final
    assert extended.interval == plain.interval
    assert extended.alpha == plain.alpha == 0.05


def test_the_verdict_of_an_extension_says_what_it_cost():
    d = np.random.default_rng(2).normal(0.1, 1, 42)
    verdict = decide(Evidence(d, 42), Rule(0.3, LOOKS, 3, extensions=(12,)))
    assert verdict.final
    assert verdict.looks == (10, 20, 30, 42)
    assert verdict.extensions == (12,)
    assert verdict.alpha == pytest.approx(0.075)
    assert verdict.planned_alpha == 0.05
    assert "42 repetitions, 12 of them an extension" in sentence(verdict)
    assert "92.5% interval" in sentence(verdict)


def test_missing_repetitions_are_missed_where_they_were_planned():
    rng = np.random.default_rng(0)
    d = rng.normal(0.0, 1.0, 42)
    where = [i for i in range(42) if i not in (3, 35)]
    verdict = decide(
        Evidence(d[where], 42, indices=tuple(where)), Rule(0.0, LOOKS, 3, extensions=(12,))
    )
    by_hand = extension.t_interval([np.delete(d[:30], 3), np.delete(d[30:], 5)], verdict.look_alpha)
    assert verdict.interval == by_hand.interval
    with pytest.raises(ValueError, match="indices must increase"):
        Evidence(d[:2], 42, indices=(1, 1))


def test_an_extension_of_one_is_refused():
    with pytest.raises(ValueError, match="an extension needs 2"):
        Rule(0.0, LOOKS, extensions=(1,))


def test_the_simulation_decides_as_decide_does():
    """The rows of the calibration are about the rule that is used."""
    drawn = []

    def draw(rng, shape):
        drawn.append(rng.standard_normal(shape))
        return drawn[-1]

    found = simulate.run_extended(np.random.default_rng(8), draw, 60, 0.4, 0.0, 1)
    first, *new = drawn
    lengths = {part.shape[1]: iter(part) for part in new}
    seen = 0
    for row, decision in zip(first, found, strict=True):
        verdicts = [decide(Evidence(row[:n], n), Rule(0.4, LOOKS, i)) for i, n in enumerate(LOOKS)]
        final = next((v for v in verdicts if v.final), verdicts[-1])
        if final.decision is not Decision.INCONCLUSIVE:
            assert KINDS[int(decision)] is final.decision
            continue
        seen += 1
        z = stats.norm.isf(stats.ttest_1samp(row, 0.0).pvalue / 2)
        extra = next(lengths[3 if z > 1.7 else 15 if z > 1.0 else 60])
        d = np.concatenate([row, extra])
        rule = Rule(0.4, LOOKS, 3, extensions=(extra.size,))
        assert decide(Evidence(d, d.size), rule).decision is KINDS[int(decision)]
    assert seen > 5


def test_pooling_instead_of_combining_would_break_the_stated_rate(monkeypatch):
    """The reason for stages: a pooled test whose length follows from what was seen errs more."""
    rng = np.random.default_rng(5)
    level = extension.levels(LOOKS, 0.05, 1)[-1]
    wrong = 0
    for row in rng.standard_normal((2_000, 30)):
        decided = any(
            paired.t_interval(row[:n], a).p_value <= a
            for n, a in zip(LOOKS, boundaries(LOOKS, 0.05), strict=True)
        )
        if not decided:
            z = stats.norm.isf(paired.t_interval(row, 0.05).p_value / 2)
            d = np.concatenate([row, rng.standard_normal(3 if z > 1.7 else 60)])
            decided = paired.t_interval(d, level).p_value <= level
        wrong += decided
    assert wrong / 2_000 > 0.08


@pytest.mark.parametrize("looks", [(6,), (10, 20, 30)])
@pytest.mark.parametrize("reserve", [0.0, 0.5])
@pytest.mark.parametrize("extensions", [0, 1])
def test_a_p_over_all_looks_is_the_rate_that_just_decides(looks, reserve, extensions):
    for look in range(len(looks) + extensions):
        for alpha in (0.01, 0.05):
            level = extension.levels(looks, alpha, extensions, reserve)[look]
            found = extension.repeated_p(level, looks, look, extensions, reserve)
            assert found == pytest.approx(alpha, rel=1e-3)
    assert extension.repeated_p(1.0, looks, 0, extensions, reserve) == 1.0
    assert extension.repeated_p(0.0, looks, 0, extensions, reserve) < 1e-6
    with pytest.raises(ValueError, match="at one of the looks"):
        extension.repeated_p(0.5, looks, 9)
