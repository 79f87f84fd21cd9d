"""Boundaries against published tables, the joint normal distribution and simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from service.stats.sequential import boundaries, crossing_probability, obrien_fleming_constant


@pytest.mark.parametrize(
    ("count", "alpha", "constant"),
    # Jennison & Turnbull (2000), table 2.3: C_B(K, alpha)
    [
        (1, 0.05, 1.960),
        (2, 0.05, 1.977),
        (3, 0.05, 2.004),
        (4, 0.05, 2.024),
        (5, 0.05, 2.040),
        (10, 0.05, 2.087),
        (3, 0.10, 1.710),
        (5, 0.10, 1.751),
        (2, 0.01, 2.580),
        (4, 0.01, 2.609),
        (5, 0.01, 2.621),
    ],
)
def test_published_constants(count, alpha, constant):
    looks = tuple(range(1, count + 1))
    assert obrien_fleming_constant(looks, alpha) == pytest.approx(constant, abs=6e-4)


def test_the_plan_of_the_protocol():
    two_sided = boundaries((10, 20, 30), 0.05)
    assert two_sided == pytest.approx((0.0005, 0.0141, 0.0450), abs=1e-4)
    one_sided = boundaries((10, 20, 30), 0.05, sides=1)
    assert one_sided == pytest.approx((0.0015, 0.0181, 0.0436), abs=1e-4)


def test_two_looks_as_z_values():
    z = -stats.norm.ppf(np.array(boundaries((10, 20), 0.05)) / 2)
    assert z == pytest.approx([2.797, 1.977], abs=6e-4)


@pytest.mark.parametrize("sides", [1, 2])
def test_one_look_gets_alpha_itself(sides):
    assert boundaries((7,), 0.03, sides) == (0.03,)


@pytest.mark.parametrize("looks", [(10, 30), (5, 6, 40), (10, 15, 20, 30), (8, 16, 24, 25)])
@pytest.mark.parametrize("sides", [1, 2])
def test_error_of_the_plan_under_the_joint_normal(looks, sides):
    levels = boundaries(looks, 0.05, sides)
    z = -stats.norm.ppf(np.array(levels) / sides)
    times = np.array(looks) / looks[-1]
    covariance = np.sqrt(np.minimum.outer(times, times) / np.maximum.outer(times, times))
    joint = stats.multivariate_normal(cov=covariance, maxpts=400_000, abseps=1e-6, seed=1)
    stay = joint.cdf(z, lower_limit=-z) if sides == 2 else joint.cdf(z)
    assert 1 - stay == pytest.approx(0.05, abs=5e-5)
    assert crossing_probability(looks, levels, sides) == pytest.approx(0.05, abs=1e-8)
    assert list(levels) == sorted(levels)


def test_naive_peeking_has_armitages_error_rates():
    # Armitage, McPherson & Rowe (1969), table 2: 2, 5 and 10 looks at .05
    for looks, rate in ((2, 0.083), (5, 0.142), (10, 0.193)):
        plan = range(1, looks + 1)
        assert crossing_probability(plan, [0.05] * looks) == pytest.approx(rate, abs=6e-4)


def test_simulated_error_of_unequal_looks():
    rng = np.random.default_rng(11)
    looks = (7, 10, 25, 26)
    sums = np.cumsum(rng.standard_normal((200_000, looks[-1])), axis=1)
    z = np.abs(sums[:, np.array(looks) - 1]) / np.sqrt(looks)
    limits = -stats.norm.ppf(np.array(boundaries(looks, 0.05)) / 2)
    error = np.mean((z >= limits).any(axis=1))
    assert error == pytest.approx(0.05, abs=4 * math.sqrt(0.05 * 0.95 / 200_000))


def test_many_looks_and_very_early_ones_have_usable_levels():
    every = boundaries(range(5, 51), 0.05)
    assert crossing_probability(range(5, 51), every) == pytest.approx(0.05, abs=1e-8)
    early = boundaries((1, 2, 5_000), 0.05)
    assert all(0.0 < level < 0.0500001 for level in early)
    assert early[-1] == pytest.approx(0.05, abs=1e-8)


@pytest.mark.parametrize("looks", [(), (0, 10), (10, 10), (20, 10)])
def test_looks_must_increase(looks):
    with pytest.raises(ValueError, match="looks must be increasing"):
        boundaries(looks, 0.05)


def test_levels_and_sides_are_checked():
    with pytest.raises(ValueError, match="alpha"):
        boundaries((10, 20), 0.6)
    with pytest.raises(ValueError, match="sides"):
        boundaries((10, 20), 0.05, 3)
    with pytest.raises(ValueError, match="level"):
        crossing_probability((10, 20), [0.05])
