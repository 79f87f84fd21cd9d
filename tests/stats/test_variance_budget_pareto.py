"""Variance shares, budget curves and Pareto fronts against hand counts and simulation."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.stats.budget import expected_best
from service.stats.pareto import non_dominated
from service.stats.variance import variance_shares


def nested(rng, splits, searches, seeds, sds):
    return (
        sds[0] * rng.standard_normal((splits, 1, 1))
        + sds[1] * rng.standard_normal((splits, searches, 1))
        + sds[2] * rng.standard_normal((splits, searches, seeds))
    )


def test_shares_by_hand():
    # Split means 2 and 10; searches 1, 3 and 9, 11; seeds +-1 around each.
    result = variance_shares([[[0, 2], [2, 4]], [[8, 10], [10, 12]]])
    assert result.seed == pytest.approx(2.0)  # within: 8 / 4
    assert result.search == pytest.approx((8 / 2 - 2.0) / 2)  # (MS 4 - 2) / 2 seeds
    assert result.split == pytest.approx((128 - 4) / 4)  # (MS 128 - MS 4) / (2 * 2)
    total = 2.0 + 1.0 + 31.0
    assert (result.split_share, result.search_share, result.seed_share) == pytest.approx(
        (31 / total, 1 / total, 2 / total)
    )
    assert result.n == (8, 4, 2)
    assert not result.truncated


@pytest.mark.parametrize("ragged", [False, True])
def test_components_are_unbiased(ragged):
    rng = np.random.default_rng(1)
    found = []
    for _ in range(1_500):
        x = nested(rng, 5, 3, 4, (2.0, 1.0, 3.0))
        data = [list(split) for split in x]
        if ragged:
            data = [
                [s[: 1 + (i + j) % 4] for j, s in enumerate(p[: 1 + i % 3])]
                for i, p in enumerate(x)
            ]
        result = variance_shares(data)
        if not result.truncated:
            assert result.split_share + result.search_share + result.seed_share == pytest.approx(1)
        found.append([result.split, result.search, result.seed])
    means = np.mean(found, axis=0)
    # Cutting at 0 biases the small components upwards only; the seed component is exact.
    assert means[2] == pytest.approx(9.0, rel=0.05)
    assert means[0] >= 3.6
    assert means[1] >= 0.9
    if not ragged:
        assert means[0] == pytest.approx(4.0, rel=0.2)


def test_what_cannot_be_told_apart_is_none():
    one_search = variance_shares(np.arange(8.0).reshape(4, 1, 2) ** 2)
    assert one_search.search is None
    assert one_search.split is not None
    one_seed = variance_shares(np.arange(8.0).reshape(4, 2, 1) ** 2)
    assert one_seed.seed is None
    single = variance_shares([[[1.0]]])
    assert (single.split, single.search, single.seed, single.seed_share) == (None,) * 4
    same = variance_shares(np.ones((2, 2, 2)))
    assert (same.seed, same.seed_share) == (0.0, None)


def test_pooling_seeds_hides_the_search_variance():
    x = nested(np.random.default_rng(3), 40, 2, 2, (0.0, 2.0, 1.0))
    result = variance_shares(x)
    assert result.search_share > 0.6


@pytest.mark.parametrize("bad", [[], [[]], [[[]]], [[[math.nan]]]])
def test_empty_or_missing_results_are_refused(bad):
    with pytest.raises(ValueError, match="every s"):
        variance_shares(bad)


def test_expected_best_is_the_enumeration():
    scores = [0.2, 0.5, 0.1, 0.9]
    for direction, best in (("maximize", max), ("minimize", min)):
        curve = expected_best(scores, direction, np.random.default_rng(0), draws=50)
        for budget, value in zip(curve.budgets, curve.expected, strict=True):
            every = [best(draw) for draw in itertools.product(scores, repeat=budget)]
            assert value == pytest.approx(np.mean(every))


def test_failed_trials_cost_budget():
    rng = np.random.default_rng(0)
    all_ok = expected_best([0.5, 0.6, 0.7], "maximize", rng)
    failing = expected_best([0.5, 0.6, 0.7], "maximize", rng, failed=3, fallback=0.1)
    assert failing.expected[0] == pytest.approx((1.8 + 0.3) / 6)
    assert all(f < o for f, o in zip(failing.expected, all_ok.expected, strict=False))
    assert (failing.n_ok, failing.n_planned) == (3, 6)
    with pytest.raises(ValueError, match="fallback"):
        expected_best([0.5], "maximize", rng, failed=1)


def test_bands_hold_the_curve_and_come_from_the_generator():
    scores = np.random.default_rng(1).normal(0.8, 0.05, 25)
    curves = [expected_best(scores, "minimize", np.random.default_rng(7)) for _ in range(2)]
    assert curves[0] == curves[1]
    assert curves[0] != expected_best(scores, "minimize", np.random.default_rng(8))
    c = curves[0]
    assert all(lo <= e <= hi for lo, e, hi in zip(c.low, c.expected, c.high, strict=True))
    assert list(c.expected) == sorted(c.expected, reverse=True)
    mirrored = expected_best(-scores, "maximize", np.random.default_rng(7))
    assert mirrored.expected == pytest.approx([-e for e in c.expected])


def test_band_of_the_first_trial_covers_the_mean():
    rng = np.random.default_rng(2)
    hits = 0
    for _ in range(300):
        c = expected_best(rng.standard_normal(30), "maximize", rng, draws=200)
        hits += c.low[0] <= 0 <= c.high[0]
    assert 0.88 <= hits / 300 <= 0.98


@pytest.mark.parametrize(
    ("scores", "direction"), [([], "maximize"), ([math.nan], "maximize"), ([1.0], "up")]
)
def test_unusable_scores_are_refused(scores, direction):
    with pytest.raises(ValueError, match=r"trial|finite|direction"):
        expected_best(scores, direction, np.random.default_rng(0))


def test_front_by_hand():
    points = [[0.9, 10.0], [0.8, 5.0], [0.7, 7.0], [0.9, 12.0], [0.8, 5.0], [0.95, 50.0]]
    front = non_dominated(points, ["maximize", "minimize"])
    assert front.tolist() == [True, True, False, False, True, True]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), min_size=3, max_size=3), min_size=1, max_size=12))
def test_front_is_what_nobody_dominates(points):
    directions = ["maximize", "minimize", "maximize"]
    front = non_dominated(points, directions)
    for p, on_front in zip(points, front, strict=True):
        beaten = any((q[0] >= p[0] and q[1] <= p[1] and q[2] >= p[2]) and q != p for q in points)
        assert on_front == (not beaten)


def test_unusable_points_are_refused():
    for points, directions in (
        ([[1.0, math.nan]], ["maximize", "minimize"]),
        ([[1.0]], ["maximize", "minimize"]),
        ([[1.0]], ["up"]),
    ):
        with pytest.raises(ValueError, match=r"NaN|shape|direction"):
            non_dominated(points, directions)
