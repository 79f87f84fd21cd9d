"""Two-way intervals: against analysis of variance, simulation and hand-made test sets."""

import math

import numpy as np
import pandas as pd
import pytest
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm

from service.stats import paired
from service.stats.twoway import two_way


def crossed(rng, reps, examples, a=1.0, b=2.0, e=1.0):
    return (
        a * rng.standard_normal((reps, 1))
        + b * rng.standard_normal((1, examples))
        + e * rng.standard_normal((reps, examples))
    )


def test_components_are_those_of_the_analysis_of_variance():
    x = crossed(np.random.default_rng(1), 5, 12)
    rep, example = np.indices(x.shape)
    frame = pd.DataFrame({"x": x.ravel(), "rep": rep.ravel(), "example": example.ravel()})
    squares = anova_lm(ols("x ~ C(rep) + C(example)", frame).fit())["mean_sq"].to_numpy()
    result = two_way(x, 0.05)
    assert result.residual_variance == pytest.approx(squares[2])
    assert result.repetition_variance == pytest.approx((squares[0] - squares[2]) / 12)
    assert result.example_variance == pytest.approx((squares[1] - squares[2]) / 5)
    variance = (squares[0] + squares[1] - squares[2]) / 60
    assert result.standard_error == pytest.approx(math.sqrt(variance))
    df = (variance * 60) ** 2 / (squares[0] ** 2 / 4 + squares[1] ** 2 / 11 + squares[2] ** 2 / 44)
    assert result.degrees_of_freedom == pytest.approx(df)
    assert result.mean == pytest.approx(x.mean())
    assert sum(result.interval) / 2 == pytest.approx(x.mean())


def test_named_examples_give_the_same_answer_in_any_order():
    rng = np.random.default_rng(2)
    x = crossed(rng, 6, 15)
    orders = [rng.permutation(15) for _ in range(6)]
    shuffled = [row[order] for row, order in zip(x, orders, strict=True)]
    a, b = two_way(x, 0.05), two_way(shuffled, 0.05, examples=[100 + o for o in orders])
    for field in ("mean", "standard_error", "degrees_of_freedom", "interval", "example_variance"):
        assert getattr(a, field) == pytest.approx(getattr(b, field))


def test_separate_test_sets_reduce_to_the_paired_interval():
    x = crossed(np.random.default_rng(3), 8, 20)
    result = two_way(x, 0.05, examples=np.arange(160).reshape(8, 20))
    assert result.interval == pytest.approx(paired.t_interval(x.mean(axis=1), 0.05).interval)
    assert result.example_variance is None


def test_the_example_variance_is_what_seeds_alone_miss():
    x = crossed(np.random.default_rng(4), 10, 30, a=0.1, b=3.0, e=0.3)
    low, high = two_way(x, 0.05).interval
    seeds = paired.t_interval(x.mean(axis=1), 0.05).interval
    assert high - low > 4 * (seeds[1] - seeds[0])


@pytest.mark.parametrize("overlap", ["all", "ragged"])
def test_coverage_and_the_failure_of_seeds_alone(overlap):
    rng = np.random.default_rng(5)
    covered = seeds_covered = 0
    for _ in range(400):
        x = crossed(rng, 8, 40, a=0.5, b=1.5, e=1.0)
        examples = None
        if overlap == "ragged":
            chosen = [rng.choice(40, size=rng.integers(12, 30), replace=False) for _ in range(8)]
            x, examples = [row[c] for row, c in zip(x, chosen, strict=True)], chosen
        low, high = two_way(x, 0.05, examples).interval
        covered += low <= 0 <= high
        low, high = paired.t_interval([row.mean() for row in x], 0.05).interval
        seeds_covered += low <= 0 <= high
    slack = 3 * math.sqrt(0.95 * 0.05 / 400)
    assert 0.93 - slack <= covered / 400 <= 0.97 + slack
    if overlap == "all":
        assert seeds_covered / 400 < 0.90


def test_mirror_image():
    x = crossed(np.random.default_rng(6), 5, 9)
    a, b = two_way(x, 0.05), two_way(-x, 0.05)
    assert a.interval == (-b.interval[1], -b.interval[0])
    assert a.standard_error == b.standard_error


def test_too_little_data_and_no_variation():
    assert two_way(np.ones((1, 9)), 0.05).interval is None
    assert two_way(np.ones((9, 1)), 0.05).interval is None
    assert two_way([[1.0, 2.0]], 0.05, [[0, 1]]).interval is None
    assert two_way(np.zeros((4, 9)), 0.05).interval == (0.0, 0.0)
    assert two_way([[0.0, 0.0], [0.0]], 0.05, [[0, 1], [1]]).interval == (0.0, 0.0)


@pytest.mark.parametrize(
    ("values", "examples"),
    [
        ([[1.0, 2.0], [1.0]], None),
        ([[1.0, math.nan], [1.0, 2.0]], None),
        ([[1.0, 2.0], [1.0, 2.0]], [[1, 1], [1, 2]]),
        ([[1.0, 2.0], [1.0]], [[1, 2], [1, 2]]),
        ([[], []], None),
        ([], None),
    ],
)
def test_unusable_input_is_refused(values, examples):
    with pytest.raises(ValueError, match=r"examples?|finite|repetition"):
        two_way(values, 0.05, examples)
