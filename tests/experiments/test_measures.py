"""Metrics, baselines and scaling against hand counts and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.baselines import majority_class, mean
from experiments.data.scaling import standardise
from experiments.measures import accuracy, mean_absolute_error, root_mean_squared_error
from service.contracts import Examples


def test_accuracy_counts_right_answers() -> None:
    metric = accuracy("y")
    probabilities = np.array([[0.7, 0.3], [0.4, 0.6], [0.9, 0.1], [0.2, 0.8]], np.float32)
    assert metric.score({"y": np.array([0, 1, 1, 1])}, {"y": probabilities}) == 0.75
    assert (metric.name, metric.direction, metric.unit) == ("accuracy", "maximize", "fraction")


def test_errors_are_those_of_the_textbook() -> None:
    truth, predicted = {"y": np.array([[1.0], [2.0]])}, {"y": np.array([[4.0], [6.0]])}
    absolute, squared = mean_absolute_error("y", "cm"), root_mean_squared_error("y", "cm")
    assert absolute.score(truth, predicted) == pytest.approx(3.5)
    assert squared.score(truth, predicted) == pytest.approx(np.sqrt(12.5))
    for metric in (absolute, squared):
        assert metric.unit == "cm"
        assert metric.better(1.0, 2.0)


@given(st.integers(1, 50), st.integers(2, 6), st.integers(0, 2**32))
def test_metrics_equal_scikit_learns(count: int, classes: int, seed: int) -> None:
    from sklearn import metrics

    rng = np.random.default_rng(seed)
    labels, probabilities = rng.integers(0, classes, count), rng.random((count, classes))
    ours = accuracy("y").score({"y": labels}, {"y": probabilities})
    assert ours == pytest.approx(metrics.accuracy_score(labels, probabilities.argmax(axis=1)))
    truth, predicted = rng.normal(size=(2, count, 1))
    for metric, theirs in (
        (mean_absolute_error("y", ""), metrics.mean_absolute_error),
        (root_mean_squared_error("y", ""), metrics.root_mean_squared_error),
    ):
        found = metric.score({"y": truth}, {"y": predicted})
        assert found == pytest.approx(theirs(truth, predicted))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_prediction_that_is_not_finite_makes_no_score(value: float) -> None:
    probabilities = np.array([[0.1, 0.9], [0.5, value]])
    assert np.isnan(accuracy("y").score({"y": np.array([1, 1])}, {"y": probabilities}))
    truth, predicted = np.zeros((2, 1)), np.array([[0.0], [value]])
    assert np.isnan(root_mean_squared_error("y", "").score({"y": truth}, {"y": predicted}))


def test_shapes_that_would_broadcast_are_refused() -> None:
    with pytest.raises(ValueError, match=r"targets of shape \(3,\) do not fit .* \(3, 1\)"):
        mean_absolute_error("y", "").score({"y": np.zeros(3)}, {"y": np.zeros((3, 1))})
    with pytest.raises(ValueError, match="do not fit"):
        accuracy("y").score({"y": np.zeros(3, int)}, {"y": np.zeros((2, 4))})
    with pytest.raises(ValueError, match="do not fit"):
        accuracy("y").score({"y": np.zeros((3, 1), int)}, {"y": np.zeros((3, 4))})


def test_half_precision_does_not_overflow() -> None:
    truth, predicted = np.full((2, 1), 1.0), np.full((2, 1), 60_000, np.float16)
    found = root_mean_squared_error("y", "").score({"y": truth}, {"y": predicted})
    assert found == pytest.approx(59_999, rel=1e-3)


def test_majority_class_answers_with_the_training_shares() -> None:
    train = Examples({"x": np.zeros((4, 2))}, {"y": np.array([2, 0, 2, 2], np.int32)})
    answer = majority_class("y", 4).predict(train, {"x": np.zeros((3, 2))})["y"]
    assert answer.tolist() == [[0.25, 0.0, 0.75, 0.0]] * 3
    assert answer.dtype == np.float32


def test_mean_answers_with_the_training_mean() -> None:
    train = Examples({"x": np.zeros((3, 2))}, {"y": np.array([[1.0], [2.0], [6.0]], np.float32)})
    answer = mean("y").predict(train, {"x": np.zeros((2, 2))})["y"]
    assert answer.tolist() == [[3.0], [3.0]]
    assert answer.dtype == np.float32


@given(st.integers(2, 60), st.integers(1, 5), st.integers(0, 2**32))
def test_standardised_training_columns_have_mean_0_and_variance_1(
    count: int, columns: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    array = (rng.normal(size=(count, columns)) * 50 + 300).astype(np.float32)
    other = rng.normal(size=count).astype(np.float32)
    train = Examples({"x": array, "other": other}, {"y": np.zeros(count)})
    scaled = standardise("x")(train)(train)
    assert np.abs(scaled.inputs["x"].mean(axis=0, dtype=np.float64)).max() < 1e-4
    assert np.abs(scaled.inputs["x"].std(axis=0, dtype=np.float64) - 1).max() < 1e-3
    assert scaled.inputs["other"] is other
    assert scaled.targets is train.targets


def test_a_constant_column_is_only_shifted() -> None:
    train = Examples({"x": np.full((4, 1), 3.0, np.float32)}, {"y": np.zeros(4)})
    transform = standardise("x")(train)
    assert transform(train).inputs["x"].tolist() == [[0.0]] * 4
    five = Examples({"x": np.full((1, 1), 5.0, np.float32)}, {"y": np.zeros(1)})
    assert transform(five).inputs["x"].tolist() == [[2.0]]
