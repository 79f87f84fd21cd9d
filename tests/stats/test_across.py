"""Many pairs: against hand-made Holm steps and published meta-analyses."""

import math

import numpy as np
import pytest
from scipy import stats

from service.stats.across import holm, random_effects, standardized_effect

# Hartung, Knapp & Sinha (2008), the 7 placebo-controlled amlodipine trials' shape: effects
# that differ by more than their errors, here with plain numbers.
EFFECTS = [0.61, 0.35, 0.14, 0.52, 0.81, 0.04, -0.21]
ERRORS = [0.11, 0.15, 0.09, 0.21, 0.30, 0.12, 0.19]


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([]) == ()


def test_a_pair_without_a_result_still_counts():
    assert holm([0.02, None, None]) == (pytest.approx(0.06), None, None)
    assert holm([None, 0.4, 0.9])[0] is None
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        holm([0.1, math.nan])


def test_paule_mandel_solves_its_equation_and_the_rest_follows():
    result = random_effects(EFFECTS, ERRORS, 0.05)
    y, v = np.array(EFFECTS), np.array(ERRORS) ** 2
    w = 1 / (v + result.tau**2)
    mean = np.sum(w * y) / np.sum(w)
    assert np.sum(w * (y - mean) ** 2) == pytest.approx(6.0, abs=1e-3)  # Q(tau^2) = k - 1
    assert result.mean == pytest.approx(mean)
    assert result.weights == pytest.approx(tuple(w / w.sum()))
    error = math.sqrt(1 / np.sum(w))
    half = stats.t.ppf(0.975, 6) * error
    assert result.interval == pytest.approx((mean - half, mean + half), rel=1e-3)
    reach = stats.t.ppf(0.975, 5) * math.hypot(result.tau, error)
    assert result.prediction_interval == pytest.approx((mean - reach, mean + reach), rel=1e-3)
    fixed = np.sum(y / v) / np.sum(1 / v)
    assert result.q == pytest.approx(np.sum((y - fixed) ** 2 / v))
    assert result.i_squared == pytest.approx(1 - 6 / result.q)


def test_equal_effects_have_no_heterogeneity_and_no_false_precision():
    result = random_effects([0.3] * 4, [0.1] * 4, 0.05)
    assert result.tau == pytest.approx(0.0, abs=1e-6)
    assert result.standard_error == pytest.approx(0.05)  # plain Hartung-Knapp would say 0
    assert result.weights == pytest.approx((0.25,) * 4)


def test_pairs_without_a_usable_error_are_left_out_and_shown():
    result = random_effects([0.2, None, 0.0, 0.4, 0.3], [0.1, 0.1, 0.0, 0.1, None], 0.05)
    assert result.n_used == 2
    assert result.weights == (pytest.approx(0.5), None, None, pytest.approx(0.5), None)
    assert result.prediction_interval is None
    alone = random_effects([0.2, None], [0.1, None], 0.05)
    assert (alone.mean, alone.interval, alone.weights) == (None, None, (1.0, None))


def test_mirror_image():
    a, b = (
        random_effects(EFFECTS, ERRORS, 0.05),
        random_effects([-e for e in EFFECTS], ERRORS, 0.05),
    )
    assert a.mean == pytest.approx(-b.mean)
    assert a.prediction_interval == pytest.approx(tuple(-x for x in b.prediction_interval[::-1]))
    assert a.p_value == pytest.approx(b.p_value)


def test_prediction_interval_covers_a_new_pair():
    rng = np.random.default_rng(1)
    hits = mean_hits = 0
    for _ in range(300):
        truths = 0.2 + 0.5 * rng.standard_normal(11)
        errors = rng.uniform(0.1, 0.4, 10)
        result = random_effects(truths[:10] + errors * rng.standard_normal(10), errors, 0.05)
        hits += result.prediction_interval[0] <= truths[10] <= result.prediction_interval[1]
        mean_hits += result.interval[0] <= 0.2 <= result.interval[1]
    assert 0.90 <= hits / 300 <= 0.99
    assert 0.91 <= mean_hits / 300 <= 0.99


def test_standardized_effect_is_unbiased_and_its_error_honest():
    rng = np.random.default_rng(2)
    found = [standardized_effect(0.6 + rng.standard_normal(10)) for _ in range(6_000)]
    g, error = np.array(found).T
    assert g.mean() == pytest.approx(0.6, abs=4 * g.std() / math.sqrt(6_000))
    assert error.mean() == pytest.approx(g.std(), rel=0.1)
    assert standardized_effect([1.0, 2.0]) is None
    assert standardized_effect([0.0] * 5) is None
    d = rng.normal(1.0, 2.0, 12)
    assert standardized_effect(100 * d) == pytest.approx(standardized_effect(d))


@pytest.mark.parametrize(
    ("effects", "errors"),
    [([0.1], [0.1, 0.2]), ([math.nan, 0.1], [0.1, 0.1]), ([0.1, 0.2], [-0.1, 0.1])],
)
def test_unusable_numbers_are_refused(effects, errors):
    with pytest.raises(ValueError, match=r"argument|finite|negative"):
        random_effects(effects, errors, 0.05)
