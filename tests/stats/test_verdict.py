"""The decision, its order, its mirror image, its record and its sentence."""

import dataclasses
import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.stats import paired, simulate
from service.stats.verdict import Decision, Evidence, Rule, Verdict, decide, sentence

RULE = Rule(margin=0.02, looks=(10, 20, 30), look=1)
ONE = Rule(margin=0.02, looks=(20,))


def sample(mean, sd, n=20):
    """Return n numbers with exactly this mean and standard deviation."""
    x = np.linspace(-1.0, 1.0, n)
    return mean + sd * x / x.std(ddof=1)


def verdict(d, rule=RULE, **more):
    d = np.asarray(d)
    more.setdefault("n_planned", d.size)
    return decide(Evidence(d, metric="accuracy", unit="fraction", **more), rule)


CASES = [
    (sample(0.05, 0.01), {"reasons": ("unequal budget",)}, Decision.INVALID, True),
    (np.zeros(20), {}, Decision.IDENTICAL, True),
    (sample(0.0, 0.01), {}, Decision.EQUIVALENT, True),
    (sample(0.01, 0.01), {}, Decision.EQUIVALENT, True),  # although 0 is excluded, too
    (sample(0.05, 0.01), {}, Decision.FUNCTIONAL_BETTER, True),
    (sample(-0.05, 0.01), {}, Decision.SEQUENTIAL_BETTER, True),
    (sample(0.05, 0.01), {"cost_ratios": {"x": 3.0}}, Decision.FUNCTIONAL_BETTER, True),
    (sample(0.012, 0.03), {"cost_ratios": {"x": 1.3}}, Decision.TRADE_OFF, False),
    (sample(0.012, 0.03), {"cost_ratios": {"x": 1.04}}, Decision.INCONCLUSIVE, False),
    (sample(0.012, 0.03), {"cost_ratios": {"x": 0.5}}, Decision.INCONCLUSIVE, False),
    (sample(-0.012, 0.03), {"cost_ratios": {"x": 0.5}}, Decision.TRADE_OFF, False),
    (sample(0.012, 0.03), {}, Decision.INCONCLUSIVE, False),
]


@pytest.mark.parametrize(("d", "more", "decision", "final"), CASES)
def test_order_of_decisions(d, more, decision, final):
    v = verdict(d, **more)
    assert (v.decision, v.final) == (decision, final)
    last = verdict(d, ONE, **more)
    assert last.final


def test_numbers_are_those_of_the_look():
    d = sample(0.03, 0.03)
    v = verdict(d)
    assert v.interval == pytest.approx(paired.t_interval(d, 0.0141107).interval, rel=1e-5)
    assert v.tost_interval == pytest.approx(paired.tost(d, 0.02, 0.0181375).interval, rel=1e-5)
    assert v.sign_flip_p == paired.sign_flip_p(d)
    assert v.mean_difference == pytest.approx(0.03)
    assert (v.n_ok, v.n_planned, v.look, v.looks) == (20, 20, 1, (10, 20, 30))


def test_what_is_significant_alone_is_not_at_an_early_look():
    d = sample(0.03, 0.03, 10)
    assert paired.t_interval(d, 0.05).p_value < 0.05
    assert verdict(d, Rule(0.02, (10, 20, 30), 0)).decision is Decision.INCONCLUSIVE
    assert verdict(d, Rule(0.02, (10,), 0)).decision is Decision.FUNCTIONAL_BETTER


def test_practically_needs_the_whole_interval_beyond_the_margin():
    assert verdict(sample(0.05, 0.01)).practically
    plain = verdict(sample(0.021, 0.01))
    assert plain.decision is Decision.FUNCTIONAL_BETTER
    assert not plain.practically
    assert verdict(sample(-0.05, 0.01)).practically


def test_consistently_needs_more_than_three_wins_in_four():
    fifteen = np.array([0.06] * 14 + [0.05] + [-0.001] * 5)
    sixteen = np.array([0.06] * 15 + [0.05] + [-0.001] * 4)
    for sign in (1, -1):
        assert not verdict(sign * fifteen).consistently
        assert verdict(sign * sixteen).consistently
        assert verdict(sign * fifteen).practically is verdict(sign * sixteen).practically


def test_skewness_warns_on_both_sides():
    d = sample(0.05, 0.01)
    d[-1] += 0.2
    assert verdict(d).skew_warning
    assert verdict(-d).skew_warning
    assert not verdict(sample(0.05, 0.01)).skew_warning


def test_missing_repetitions_are_counted_and_too_many_are_invalid():
    d = sample(0.05, 0.01, 18)
    v = verdict(d, n_planned=20)
    assert (v.decision, v.n_ok, v.n_planned) == (Decision.FUNCTIONAL_BETTER, 18, 20)
    assert "18 of 20 repetitions" in sentence(v)
    bad = verdict(d[:17], n_planned=20)
    assert (bad.decision, bad.final) == (Decision.INVALID, True)
    assert bad.reasons == ("3 of 20 repetitions have no result",)
    assert verdict([], ONE, n_planned=20).decision is Decision.INVALID


def test_a_verdict_must_survive_its_missing_repetitions():
    d = sample(0.0175, 0.035, 19)
    complete = verdict(d, Rule(0.02, (19,)))
    assert complete.decision is Decision.FUNCTIONAL_BETTER
    v = verdict(d, ONE, n_planned=20)
    assert (v.decision, v.fragile) == (Decision.INCONCLUSIVE, True)
    assert "the repetitions without a result could change the verdict; about" in sentence(v)
    same = verdict(sample(0.0, 0.035, 19), Rule(0.0147, (20,)), n_planned=20)
    assert same.fragile
    assert verdict(sample(0.0, 0.035, 19), Rule(0.0147, (19,))).decision is Decision.EQUIVALENT
    assert not verdict(np.zeros(19), ONE, n_planned=20).fragile


def test_failures_where_one_variant_is_behind_do_not_make_it_better():
    rng = np.random.default_rng(4)
    rule = Rule(0.0, (30,))
    better = (Decision.FUNCTIONAL_BETTER, Decision.SEQUENTIAL_BETTER)
    honest = dropped = 0
    for _ in range(300):
        d = np.sort(rng.standard_normal(30))[3:]
        honest += verdict(d, rule, n_planned=30).decision in better
        dropped += paired.t_interval(d, rule.look_alpha).p_value < rule.look_alpha
    assert dropped / 300 > 0.15
    assert honest / 300 < 0.055 + 3 * math.sqrt(0.055 / 300)


def test_before_its_look_nothing_is_decided():
    v = verdict(sample(0.05, 0.01, 19), n_planned=19)
    assert (v.decision, v.final) == (Decision.INCONCLUSIVE, False)
    assert sentence(v).startswith("No verdict yet after 19 repetitions, the look being at 20")
    assert verdict(np.zeros(3), n_planned=3).decision is Decision.INCONCLUSIVE
    assert verdict([0.1], n_planned=19, reasons=("leakage",)).decision is Decision.INVALID


def test_more_repetitions_than_planned_are_refused():
    with pytest.raises(ValueError, match="n_planned <= 20"):
        verdict(sample(0.05, 0.01, 21))
    with pytest.raises(ValueError, match="n_ok <= n_planned"):
        Evidence([0.1, 0.2], n_planned=1)


def test_one_repetition_has_no_interval():
    v = verdict([0.5], Rule(0.02, (1,)))
    assert v.decision is Decision.INCONCLUSIVE
    assert (v.interval, v.tost_interval, v.p_value, v.sd, v.more_repetitions) == (None,) * 5
    assert sentence(v) == "Inconclusive after 1 repetition: no interval can be given."
    assert verdict([0.0], Rule(0.02, (1,))).decision is Decision.INCONCLUSIVE


def test_few_constant_differences_decide_nothing():
    assert verdict([0.5, 0.5], Rule(0.02, (2,))).decision is Decision.INCONCLUSIVE
    assert verdict([0.5] * 8, Rule(0.02, (8,))).decision is Decision.FUNCTIONAL_BETTER
    assert verdict([0.01] * 8, Rule(0.02, (8,))).decision is Decision.EQUIVALENT


def test_sign_flip_needs_six_repetitions_and_a_generator_above_32():
    assert verdict(sample(0.05, 0.01, 5), Rule(0.02, (5,))).sign_flip_p is None
    assert verdict(sample(0.05, 0.01, 6), Rule(0.02, (6,))).sign_flip_p == 2 / 2**6
    many = Evidence(sample(0.05, 0.01, 40), n_planned=40)
    assert decide(many, Rule(0.02, (40,))).sign_flip_p is None
    drawn = decide(many, Rule(0.02, (40,)), np.random.default_rng(0))
    assert drawn.sign_flip_p == 1 / 10_000
    assert drawn.decision is Decision.FUNCTIONAL_BETTER


def test_margin_zero_turns_equivalence_off():
    rule = Rule(0.0, (20,))
    assert verdict(sample(0.0, 1e-9), rule).decision is Decision.INCONCLUSIVE
    assert verdict(sample(0.05, 0.01), rule).decision is Decision.FUNCTIONAL_BETTER


def mirror(v):
    """Return the verdict with the two variants' parts exchanged."""

    def flip(interval, about=0.0):
        return interval and (about - interval[1], about - interval[0])

    def minus(x):
        return x if x is None else -x

    swap = {
        Decision.FUNCTIONAL_BETTER: Decision.SEQUENTIAL_BETTER,
        Decision.SEQUENTIAL_BETTER: Decision.FUNCTIONAL_BETTER,
    }
    return dataclasses.replace(
        v,
        decision=swap.get(v.decision, v.decision),
        mean_difference=minus(v.mean_difference),
        interval=flip(v.interval),
        tost_interval=flip(v.tost_interval),
        improvement=None if v.improvement is None else 1 - v.improvement,
        improvement_interval=flip(v.improvement_interval, 1.0),
        skewness=minus(v.skewness),
        costlier_functional=v.costlier_sequential,
        costlier_sequential=v.costlier_functional,
        cost_ratios={name: 1 / ratio for name, ratio in v.cost_ratios.items()},
    )


@st.composite
def experiments(draw):
    looks = draw(st.sampled_from([(2,), (6,), (10, 20, 30), (4, 9)]))
    rule = Rule(draw(st.sampled_from([0.0, 0.5, 2.0])), looks, draw(st.integers(0, len(looks) - 1)))
    planned = rule.looks[rule.look] - draw(st.sampled_from([0, 0, 0, 1]))
    ok = planned - draw(st.sampled_from([0, 0, 0, 1]))
    centre = draw(st.sampled_from([-1.0, 0.0, 0.3, 1.0]))
    value = st.floats(-3, 3).map(lambda x: round(centre + x, draw(st.sampled_from([0, 1, 4]))))
    d = draw(st.lists(value, min_size=max(0, ok), max_size=max(0, ok)))
    costs = draw(st.dictionaries(st.sampled_from("abc"), st.sampled_from([0.25, 1.0, 1.02, 4.0])))
    return d, planned, costs, rule


@settings(max_examples=100, deadline=None)
@given(experiments())
def test_swapping_the_variants_mirrors_every_number(case):
    d, planned, costs, rule = case
    v = decide(Evidence(d, planned, cost_ratios=costs), rule)
    swapped = decide(
        Evidence([-x for x in d], planned, cost_ratios={k: 1 / r for k, r in costs.items()}), rule
    )
    expected, found = mirror(v).to_dict(), swapped.to_dict()
    for key, value in expected.items():
        if isinstance(value, float | list | dict):
            assert found[key] == pytest.approx(value, abs=1e-12), key
        else:
            assert found[key] == value, key
    swapped_names = sentence(swapped, ("B", "A")).replace("B and A", "A and B")
    if not (v.costlier_functional and v.costlier_sequential):  # else both stories are true
        assert sentence(v, ("A", "B")) == swapped_names


@settings(max_examples=50, deadline=None)
@given(experiments())
def test_a_record_survives_json(case):
    d, planned, costs, rule = case
    v = decide(Evidence(d, planned, cost_ratios=costs, reasons=("x",) * (len(d) % 2)), rule)
    assert Verdict.from_dict(json.loads(json.dumps(v.to_dict(), allow_nan=False))) == v
    assert sentence(v).count(".") >= 1


def test_extreme_values_stay_in_json():
    for d in ([1e308, -1e308, 1e308], [1e-300, -2e-300, 0.0], [1e300, 1.0, -1e-300]):
        v = decide(Evidence(d, 3), Rule(0.1, (3,)))
        json.dumps(v.to_dict(), allow_nan=False)
        assert v.decision is not Decision.FUNCTIONAL_BETTER
        assert sentence(v)


def test_a_strange_record_is_refused():
    plain = verdict(sample(0.05, 0.01)).to_dict()
    with pytest.raises(ValueError, match="extra"):
        Verdict.from_dict({**plain, "extra": 1})
    plain.pop("margin")
    with pytest.raises(ValueError, match="margin"):
        Verdict.from_dict(plain)


@pytest.mark.parametrize(
    "wrong",
    [
        {"margin": -1.0},
        {"margin": math.nan},
        {"margin": 1.0, "looks": ()},
        {"margin": 1.0, "look": 3},
        {"margin": 1.0, "alpha": 0.0},
        {"margin": 1.0, "max_missing": 1.5},
    ],
)
def test_rules_are_checked(wrong):
    with pytest.raises(ValueError, match="must"):
        Rule(**wrong)


def test_evidence_is_checked():
    with pytest.raises(ValueError, match="finite"):
        Evidence([0.1, math.nan], 2)
    for ratio in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="cost_ratios"):
            Evidence([0.1], 1, cost_ratios={"time": ratio})


def test_the_vectorised_simulation_decides_as_decide_does():
    rng = np.random.default_rng(7)
    codes = {
        Decision.INCONCLUSIVE: simulate.INCONCLUSIVE,
        Decision.FUNCTIONAL_BETTER: simulate.FUNCTIONAL,
        Decision.SEQUENTIAL_BETTER: simulate.SEQUENTIAL,
        Decision.EQUIVALENT: simulate.EQUIVALENT,
        Decision.IDENTICAL: simulate.IDENTICAL,
    }
    looks = (4, 8, 12)
    d = np.concatenate(
        [
            rng.normal(rng.uniform(-1.5, 1.5, (250, 1)), 1.0, (250, 12)),
            np.rint(rng.normal(0.0, 0.35, (150, 12))),
            np.tile(rng.choice([0.0, 0.5, -3.0], (10, 1)), 12),
        ]
    )
    outcome = simulate.run_experiments(d, 0.9, looks)
    for row, code, look, warned in zip(
        d, outcome.decision, outcome.look, outcome.skew_warning, strict=True
    ):
        for i, n in enumerate(looks):
            v = decide(Evidence(row[:n], n), Rule(0.9, looks, i))
            if v.final:
                break
        assert (codes[v.decision], i, v.skew_warning) == (code, look, warned)
    assert set(outcome.decision.tolist()) == set(codes.values())


SENTENCES = [
    (
        sample(0.018, 0.01),
        {"cost_ratios": {"training time": 1.3, "parameters": 1.02}},
        "Functional is better by 1.8 points of accuracy (95% interval 1.3 to 2.3) over 20 "
        "repetitions; it costs 1.3 times the training time.",
    ),
    (
        sample(-0.05, 0.01),
        {"cost_ratios": {"training time": 0.5, "memory": 2.0}},
        "Sequential is better by 5.0 points of accuracy (95% interval 4.5 to 5.5, more than the "
        "margin) over 20 repetitions; it costs 2 times the training time and 0.5 times the memory.",
    ),
    (
        sample(0.004, 0.01),
        {"cost_ratios": {"training time": 1.3}},
        "Sequential and Functional are equivalent within 2 points of accuracy (Functional leads "
        "by 0.40 points of accuracy; 90% interval 0.013 to 0.79) over 20 repetitions; Functional "
        "costs 1.3 times the training time.",
    ),
    (
        sample(-0.01, 0.01),
        {},
        "Sequential and Functional are equivalent within 2 points of accuracy (Sequential leads "
        "by 1.0 points of accuracy, detectable but smaller than the margin; 90% interval 0.61 to "
        "1.4) over 20 repetitions.",
    ),
    (
        np.zeros(20),
        {},
        "Sequential and Functional are identical: the difference in accuracy is exactly 0 in each "
        "of 20 repetitions.",
    ),
    (
        sample(0.0, 0.1),
        {"reasons": ("unequal budget", "leakage")},
        "The comparison of Sequential and Functional is invalid: unequal budget; leakage.",
    ),
]


@pytest.mark.parametrize(("d", "more", "expected"), SENTENCES)
def test_sentences(d, more, expected):
    assert sentence(verdict(d, ONE, **more)) == expected


def test_sentence_of_an_inconclusive_verdict_with_own_names_and_unit():
    d = sample(-0.2, 1.0, 10)
    v = decide(
        Evidence(d, 10, metric="error", unit="minutes", direction="minimize"), Rule(0.5, (10,))
    )
    assert sentence(v, ("plain", "wide")) == (
        "Inconclusive after 10 repetitions: plain leads by 0.20 minutes of error "
        f"(95% interval \N{MINUS SIGN}0.52 to 0.92); about {v.more_repetitions} more repetitions would be needed."
    )


def test_a_sentence_never_shows_a_false_zero():
    d = sample(0.0234, 0.0498)
    v = verdict(d, ONE)
    assert v.decision is Decision.FUNCTIONAL_BETTER
    assert v.interval[0] < 0.0005
    assert "interval 0.0 to" not in sentence(v)
    assert "interval 0.0093 to 4.7)" in sentence(v)


@pytest.mark.parametrize(
    ("mean", "sd", "told"),
    [(2.5, 8.0, "2.5 "), (0.45, 8.0, "0.45 "), (12.5, 30.0, "12 "), (0.0625, 0.1, "0.062 ")],
)
def test_a_sentence_tells_at_least_two_digits(mean, sd, told):
    v = decide(Evidence(sample(mean, sd), 20, metric="loss", unit="points"), Rule(50.0, (20,)))
    assert f"leads by {told}points of loss" in sentence(v)


@pytest.mark.parametrize("unit", ["points", "fraction"])
def test_one_point_is_singular(unit):
    margin = 0.01 if unit == "fraction" else 1.0
    d = sample(0.0, margin / 10)
    v = decide(Evidence(d, 20, metric="root mean squared error", unit=unit), Rule(margin, (20,)))
    assert "equivalent within 1 point of root mean squared error" in sentence(v)


def test_measured_costs_are_told_but_decide_nothing() -> None:
    differences = (0.01, -0.02, 0.03, -0.01, 0.02, 0.0, 0.03, -0.02, 0.01, 0.02)
    rule = Rule(margin=0.015, looks=(10,))

    def verdict(ratio: float, measured: tuple[str, ...]) -> Verdict:
        return decide(
            Evidence(differences, 10, cost_ratios={"latency": ratio}, measured=measured), rule
        )

    assert verdict(3.0, ()).decision is Decision.TRADE_OFF
    assert verdict(1.1, ("latency",)).costlier_functional == ()
    slow = verdict(3.0, ("latency",))
    assert slow.costlier_functional == ("latency",)
    assert slow.decision is verdict(0.3, ("latency",)).decision is Decision.INCONCLUSIVE


def test_the_rounding_of_a_sum_leads_by_nothing():
    told = sentence(verdict([0.1, 0.2, -0.3]))
    assert "the mean difference in" in told
    assert "leads" not in told
