"""Designs and pilots: against statsmodels, tables and simulation."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from service.stats.more import assured_sd, more_repetitions
from service.stats.power import (
    detectable_effect,
    power_at,
    required_repetitions,
)


@pytest.mark.parametrize("n", [2, 5, 10, 30, 200])
@pytest.mark.parametrize("effect", [0.0, 0.3, 1.0, -0.7])
@pytest.mark.parametrize("alpha", [0.05, 0.0005])
def test_power_agrees_with_integration(n, effect, alpha):
    limit, shift = stats.t.isf(alpha / 2, n - 1), abs(effect) * math.sqrt(n)

    def given_sd(u):  # power if the sample's variance is at its quantile u
        edge = limit * math.sqrt(stats.chi2.isf(u, n - 1) / (n - 1))
        return stats.norm.cdf(shift - edge) + stats.norm.cdf(-shift - edge)

    u, weights = np.polynomial.legendre.leggauss(80)
    v = (u + 1) / 2  # nodes cluster where the integrand is steep: u = 1 - (1 - v)^4
    values = [given_sd(1 - (1 - x) ** 4) * 4 * (1 - x) ** 3 for x in v]
    reference = float(np.dot(weights / 2, values))
    assert power_at(2 * effect, n, 2.0, alpha) == pytest.approx(reference, abs=5e-5)


@pytest.mark.parametrize("effect", [0.3, 1.0])
def test_power_agrees_with_statsmodels(effect):
    assert power_at(effect, 12, 1.0, 0.05) == pytest.approx(TTestPower().power(effect, 12, 0.05))


def test_power_without_an_effect_is_alpha_and_large_cases_join_up():
    assert power_at(0.0, 12, 1.0, 0.03) == pytest.approx(0.03)
    assert power_at(0.03, 10_001, 1.0, 0.05) == pytest.approx(
        power_at(0.03, 10_003, 1.0, 0.05), abs=2e-4
    )
    assert power_at(10.0, 30, 1.0, 0.05) == pytest.approx(1.0)
    assert power_at(1e9, 30, 1.0, 0.05) == pytest.approx(1.0)
    # statsmodels and nctdtr answer NaN here
    assert power_at(1.0, 200, 1.0, 0.0005) == pytest.approx(1.0)


def test_textbook_sample_sizes():
    # Cohen (1988) / G*Power: one-sample t, two-sided .05, power .8
    assert [required_repetitions(e, 1.0, 0.05) for e in (0.2, 0.5, 0.8)] == [199, 34, 15]
    assert required_repetitions(1e-9, 1.0, 0.05) is None
    assert required_repetitions(1e9, 1.0, 0.05) == 2


def test_detectable_effect_has_the_power_it_promises():
    effect = detectable_effect(20, 0.03, 0.05)
    assert TTestPower().power(effect / 0.03, 20, 0.05) == pytest.approx(0.8, abs=1e-6)
    assert required_repetitions(effect * 1.000001, 0.03, 0.05) == 20
    assert detectable_effect(2, 1.0, 0.0005) > 100


def test_assured_sd_is_above_the_truth_in_four_of_five_pilots():
    by_table = math.sqrt(9 / 5.380)  # chi-square table: 9 df, lower 20% point
    assert assured_sd(1.0, 10) == pytest.approx(by_table, rel=1e-4)
    sds = np.random.default_rng(1).standard_normal((20_000, 10)).std(axis=1, ddof=1)
    above = np.mean([assured_sd(s, 10) > 1.0 for s in sds])
    assert above == pytest.approx(0.8, abs=4 * math.sqrt(0.16 / 20_000))


def test_more_repetitions_by_hand():
    d = stats.norm.ppf((np.arange(10) + 0.5) / 10)
    d /= d.std(ddof=1)
    total = required_repetitions(0.5, assured_sd(1.0, 10), 0.05)
    assert total == 55
    assert more_repetitions(d, 0.5, 0.05) == 45
    assert more_repetitions(3 * d + 7, 1.5, 0.05) == 45
    # enough for the margin already: what resolves half of it
    half = required_repetitions(1.0, assured_sd(1.0, 10), 0.05)
    assert more_repetitions(d, 2.0, 0.05) == half - 10 > 0
    assert more_repetitions(d, 50.0, 0.05) == 1


@pytest.mark.parametrize(
    ("d", "margin"), [([], 0.5), ([1.0], 0.5), ([1.0, 1.0], 0.5), ([1.0, 2.0], 0.0), ([0, 1e9], 1)]
)
def test_no_number_where_none_can_be_planned(d, margin):
    assert more_repetitions(d, margin, 0.05) is None


def test_arguments_are_checked():
    for wrong in (
        lambda: power_at(1.0, 1, 1.0, 0.05),
        lambda: power_at(1.0, 10, 0.0, 0.05),
        lambda: power_at(1.0, 10, math.nan, 0.05),
        lambda: power_at(math.nan, 10, 1.0, 0.05),
        lambda: power_at(1.0, 10, 1.0, 1.0),
        lambda: required_repetitions(0.0, 1.0, 0.05),
        lambda: required_repetitions(1.0, 1.0, 0.05, power=0.01),
        lambda: detectable_effect(10, 1.0, 0.05, power=1.0),
        lambda: assured_sd(1.0, 1),
    ):
        with pytest.raises(ValueError, match="must"):
            wrong()
