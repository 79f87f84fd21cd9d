"""Paired differences: against scipy, brute force, and by hand."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import DescrStatsW, ttost_paired

from service.stats import paired
from service.stats.paired import Note

# Student (1908), "The probable error of a mean": hours of sleep gained, 10 patients.
SLEEP = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]

finite = st.floats(-1e6, 1e6, allow_nan=False).map(lambda x: round(x, 6))
samples = st.lists(finite, min_size=0, max_size=14)


def test_students_sleep_data():
    result = paired.t_interval(SLEEP, 0.05)
    # R: t.test(extra ~ group, data = sleep, paired = TRUE)
    assert result.p_value == pytest.approx(0.002833, abs=5e-7)
    assert result.interval == pytest.approx((0.7001142, 2.4598858), abs=5e-8)


@pytest.mark.parametrize("n", [2, 3, 7, 30, 10_000])
def test_summary_and_intervals_agree_with_scipy_and_statsmodels(n):
    d = np.random.default_rng(n).normal(0.3, 2.0, n)
    s = paired.summary(d)
    assert (s.n, s.mean, s.sd) == (n, pytest.approx(d.mean()), pytest.approx(d.std(ddof=1)))
    if n > 2:
        assert s.skewness == pytest.approx(stats.skew(d, bias=False))
    else:
        assert s.skewness is None

    reference = stats.ttest_1samp(d, 0.0)
    ours = paired.t_interval(d, 0.0141)
    assert ours.p_value == pytest.approx(reference.pvalue)
    assert ours.interval == pytest.approx(tuple(reference.confidence_interval(1 - 0.0141)))

    equal = paired.tost(d, 0.7, 0.0181)
    assert equal.p_value == pytest.approx(ttost_paired(d, np.zeros(n), -0.7, 0.7)[0])
    assert equal.interval == pytest.approx(DescrStatsW(d).tconfint_mean(2 * 0.0181))


def test_equivalence_interval_and_p_value_agree():
    rng = np.random.default_rng(3)
    seen = set()
    for _ in range(300):
        d = rng.normal(rng.uniform(-1, 1), 1.0, 12)
        result = paired.tost(d, 0.8, 0.05)
        inside = result.interval[0] > -0.8 and result.interval[1] < 0.8
        assert inside == (result.p_value < 0.05)
        seen.add(inside)
    assert seen == {True, False}


def brute_force_p(d):
    observed, total = abs(sum(d)), sum(map(abs, d))
    signs = itertools.product((1, -1), repeat=len(d))
    sums = [abs(sum(s * x for s, x in zip(pattern, d, strict=True))) for pattern in signs]
    return sum(x >= observed - 1e-9 * total for x in sums) / 2 ** len(d)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-4, 4) | st.integers(-999, 999), min_size=1, max_size=8))
@example([0.1, 0.2, -0.3])
@example([0.91 - 0.90, 0.81 - 0.80, 0.71 - 0.72])
def test_sign_flip_is_the_enumeration(d):
    assert paired.sign_flip_p(d) == pytest.approx(brute_force_p(d), abs=1e-15)


@pytest.mark.parametrize("n", [12, 20])
def test_sign_flip_agrees_with_scipy(n):
    d = np.random.default_rng(n).normal(0.4, 1.0, n)
    if n == 12:
        reference = stats.permutation_test(
            (d,), np.mean, permutation_type="samples", n_resamples=np.inf
        ).pvalue
    else:
        patterns = np.arange(2**n, dtype=np.uint32)
        sums = np.zeros(2**n)
        for i, x in enumerate(d):
            sums += np.where(patterns >> i & 1, x, -x)
        reference = np.mean(np.abs(sums) >= abs(d.sum()) - 1e-10)
    assert paired.sign_flip_p(d) == pytest.approx(reference, abs=1e-12)


def test_sign_flip_of_one_sided_samples_is_the_smallest_possible():
    assert paired.sign_flip_p([0.2] * 6) == pytest.approx(2 / 2**6)
    assert paired.sign_flip_p(np.arange(1.0, 33.0)) == pytest.approx(2 / 2**32)


def test_monte_carlo_sign_flip_agrees_with_exact_and_needs_a_generator(monkeypatch):
    d = np.random.default_rng(1).normal(0.35, 1.0, 24)
    exact = paired.sign_flip_p(d)
    monkeypatch.setattr("service.stats.signflip.EXACT_SIGN_FLIPS_UP_TO", 5)
    with pytest.raises(ValueError, match="rng is needed above 5 repetitions"):
        paired.sign_flip_p(d)
    drawn = paired.sign_flip_p(d, np.random.default_rng(2), draws=39_999)
    assert drawn == pytest.approx(exact, abs=4 * math.sqrt(exact / 40_000))
    assert drawn != exact
    assert paired.sign_flip_p(d, np.random.default_rng(2), 999) == paired.sign_flip_p(
        d, np.random.default_rng(2), 999
    )


def test_ten_thousand_repetitions():
    d = np.random.default_rng(0).normal(1.0, 1.0, 10_000)
    assert paired.sign_flip_p(d, np.random.default_rng(1), draws=999) == 1 / 1000
    low, high = paired.t_interval(d, 0.05).interval
    assert high - low == pytest.approx(2 * 1.96 / 100, rel=0.02)


def test_improvement_without_ties_is_wilsons_interval():
    d = [1.0] * 17 + [-1.0] * 3
    result = paired.improvement(d, 0.05)
    reference = stats.binomtest(17, 20).proportion_ci(0.95, method="wilson")
    assert result.probability == pytest.approx(0.85)
    assert result.interval == pytest.approx((reference.low, reference.high), abs=1e-9)
    assert (result.wins, result.ties, result.losses) == (17, 0, 3)


def test_improvement_with_ties():
    half = paired.improvement([0.0] * 6 + [1.0, -1.0], 0.05)
    untied = paired.improvement([1.0] * 4 + [-1.0] * 4, 0.05)
    assert half.probability == untied.probability == 0.5
    assert untied.interval[0] < half.interval[0] < 0.5 < half.interval[1] < untied.interval[1]
    only = paired.improvement([0.0] * 10, 0.05)
    z2 = 1.959964**2
    assert only.interval == pytest.approx((0.5 - z2 / 2 / (10 + z2), 0.5 + z2 / 2 / (10 + z2)))


@pytest.mark.parametrize(("p_win", "p_tie"), [(0.5, 0.0), (0.4, 0.3), (0.15, 0.7), (0.7, 0.2)])
def test_improvement_interval_covers(p_win, p_tie):
    rng = np.random.default_rng(5)
    truth = p_win + p_tie / 2
    values = rng.choice([1.0, 0.0, -1.0], (2_000, 25), p=[p_win, p_tie, 1 - p_win - p_tie])
    ends = np.array([paired.improvement(d, 0.05).interval for d in values])
    covered = np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1]))
    assert 0.93 <= covered <= 0.99


@given(samples)
def test_every_answer_mirrors(d):
    mirrored = [-x for x in d]
    a, b = paired.summary(d), paired.summary(mirrored)
    assert (a.n, a.sd, a.note) == (b.n, b.sd, b.note)
    for x, y in ((a.mean, b.mean), (a.skewness, b.skewness)):
        assert (x is None) == (y is None)
        assert x is None or x == -y
    for f in (lambda v: paired.t_interval(v, 0.05), lambda v: paired.tost(v, 1.5, 0.05)):
        x, y = f(d), f(mirrored)
        assert x.p_value == y.p_value
        assert x.interval == (None if y.interval is None else (-y.interval[1], -y.interval[0]))
    assert paired.sign_flip_p(d) == paired.sign_flip_p(mirrored)
    p, q = paired.improvement(d, 0.05), paired.improvement(mirrored, 0.05)
    assert (p.wins, p.ties, p.losses) == (q.losses, q.ties, q.wins)
    if p.interval is not None:
        assert p.interval == pytest.approx((1 - q.interval[1], 1 - q.interval[0]), abs=1e-12)


def test_no_repetition_and_one():
    for d in ([], [0.5], [0.0]):
        assert paired.t_interval(d, 0.05) == paired.TestResult(None, None, Note.TOO_FEW)
        assert paired.tost(d, 1.0, 0.05) == paired.TestResult(None, None, Note.TOO_FEW)
        assert paired.improvement(d, 0.05).interval is None
    assert paired.sign_flip_p([]) is None
    assert paired.sign_flip_p([0.5]) == 1.0
    assert paired.summary([]).mean is None
    assert paired.summary([0.5]) == paired.Summary(1, 0.5, None, None, Note.TOO_FEW)


def test_all_zero_is_identical():
    d = np.zeros(8)
    assert paired.t_interval(d, 0.05) == paired.TestResult((0.0, 0.0), 1.0, Note.IDENTICAL)
    assert paired.tost(d, 0.1, 0.05).interval == (0.0, 0.0)
    assert paired.sign_flip_p(d) == 1.0


def test_constant_differences_are_as_sure_as_their_sign_flips():
    few, many = [0.91 - 0.9, 0.81 - 0.8, 0.71 - 0.7], [0.01] * 8
    assert paired.t_interval(few, 0.05) == paired.TestResult(None, 0.25, Note.CONSTANT)
    assert paired.tost(few, 0.02, 0.05).interval is None
    result = paired.t_interval(many, 0.05)
    assert result.interval == pytest.approx((0.01, 0.01))
    assert result.p_value == 2 / 2**8
    assert paired.tost(many, 0.02, 0.05).p_value == 1 / 2**8
    assert paired.tost(many, 0.005, 0.05).p_value == 1.0


def test_two_repetitions_by_hand():
    result = paired.t_interval([1.0, 3.0], 0.05)  # mean 2, se 1, t_{.975}(1) = 12.7062
    assert result.interval == pytest.approx((2 - 12.7062, 2 + 12.7062), abs=1e-4)
    assert result.p_value == pytest.approx(0.2951672)  # 1 - 2 atan(2) / pi


@pytest.mark.parametrize("scale", [1e-280, 1e-200, 1.0, 1e200, 1e307])
def test_the_unit_does_not_matter(scale):
    d = np.array([1.0, 2.0, -0.5, 4.0, 1.5])
    result, one = paired.t_interval(d * scale, 0.05), paired.t_interval(d, 0.05)
    assert result.p_value == pytest.approx(one.p_value, rel=1e-9)
    assert paired.summary(d * scale).skewness == pytest.approx(paired.summary(d).skewness)
    assert paired.sign_flip_p(d * scale) == paired.sign_flip_p(d)


def test_a_huge_outlier_widens_and_warns():
    d = np.array([0.1, 0.2, 0.15, 0.12, 0.18, 0.16, 0.14, 0.11, 0.19, 1e9])
    low, high = paired.t_interval(d, 0.05).interval
    assert low < 0 < high
    assert paired.summary(d).skewness > 3
    assert paired.sign_flip_p(d) == pytest.approx(2 / 2**10)


@pytest.mark.parametrize("bad", [[0.1, math.nan], [math.inf, 0.0], [[0.1, 0.2]]])
def test_what_is_not_a_number_is_refused(bad):
    calls = (
        paired.summary,
        lambda d: paired.t_interval(d, 0.05),
        lambda d: paired.tost(d, 0.1, 0.05),
        paired.sign_flip_p,
        lambda d: paired.improvement(d, 0.05),
    )
    for call in calls:
        with pytest.raises(ValueError, match="differences must"):
            call(bad)


def test_levels_and_margins_are_checked():
    with pytest.raises(ValueError, match="alpha"):
        paired.t_interval(SLEEP, 1.0)
    with pytest.raises(ValueError, match="alpha"):
        paired.tost(SLEEP, 0.1, 0.5)
    with pytest.raises(ValueError, match="margin"):
        paired.tost(SLEEP, -0.1, 0.05)
    with pytest.raises(ValueError, match="alpha"):
        paired.improvement(SLEEP, 0.0)
