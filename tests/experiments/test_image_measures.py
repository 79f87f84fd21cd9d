"""Metrics and baselines of images and of several targets, against hand counts and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.baselines import majority_classes, pixelwise_line
from experiments.measures import (
    accuracy,
    mean_accuracy,
    mean_intersection_over_union,
    peak_signal_to_noise,
    pixel_accuracy,
)
from service.contracts import Examples


def test_mean_accuracy_weighs_targets_alike() -> None:
    truth = {"a": np.array([0, 1, 1, 1]), "b": np.array([0, 0, 0, 0])}
    yes, no = [0.9, 0.1], [0.1, 0.9]
    said = {"a": np.array([yes, no, no, yes]), "b": np.array([yes, no, no, no])}
    metric = mean_accuracy(("a", "b"))
    assert metric.score(truth, said) == pytest.approx((0.75 + 0.25) / 2)
    assert accuracy("b", "accuracy of b").score(truth, said) == 0.25
    assert accuracy("b", "accuracy of b").name == "accuracy of b"


def test_peak_signal_to_noise_is_the_mean_over_images() -> None:
    truth = np.zeros((2, 4, 4, 1))
    said = truth + np.array([0.1, 0.01])[:, None, None, None]
    metric = peak_signal_to_noise("x")
    assert metric.score({"x": truth}, {"x": said}) == pytest.approx((20 + 40) / 2)
    assert metric.score({"x": truth}, {"x": truth}) == np.inf
    assert metric.better(30, 20)


def test_intersection_over_union_by_hand() -> None:
    truth = np.array([1, 1, 1, 0, 0, 0, 0, 0], np.float32).reshape(1, 2, 4, 1)
    said = np.array([0.9, 0.8, 0.1, 0.7, 0, 0, 0.5, 0.2], np.float32).reshape(1, 2, 4, 1)
    # Foreground: 2 of both, 4 of either. Background: 4 of both, 6 of either. 0.5 is background.
    found = mean_intersection_over_union("m").score({"m": truth}, {"m": said})
    assert found == pytest.approx((2 / 4 + 4 / 6) / 2)
    assert pixel_accuracy("m").score({"m": truth}, {"m": said}) == pytest.approx(6 / 8)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_intersection_over_union_is_scikit_learns(share: float) -> None:
    from sklearn.metrics import jaccard_score

    rng = np.random.default_rng(0)
    truth = (rng.random((3, 4, 4, 1)) < share).astype(np.float32)
    said = rng.random((3, 4, 4, 1)).astype(np.float32)
    present = np.unique(np.concatenate([truth.ravel(), said.ravel() > 0.5])).astype(int)
    theirs = jaccard_score(
        truth.ravel(), said.ravel() > 0.5, labels=list(present), average="macro", zero_division=0
    )
    ours = mean_intersection_over_union("m").score({"m": truth}, {"m": said})
    assert ours == pytest.approx(theirs)


def test_one_class_alone_and_found_is_perfect() -> None:
    sea = np.zeros((2, 3, 3, 1), np.float32)
    assert mean_intersection_over_union("m").score({"m": sea}, {"m": sea}) == 1.0


def test_predictions_that_are_not_finite_make_no_score() -> None:
    truth = np.zeros((1, 2, 2, 1), np.float32)
    broken = np.full_like(truth, np.nan)
    for metric in (peak_signal_to_noise, mean_intersection_over_union, pixel_accuracy):
        assert np.isnan(metric("m").score({"m": truth}, {"m": broken}))
    labels, classes = np.array([0]), np.array([[np.nan, 1.0]])
    both = {"a": labels, "b": labels}
    said = {"a": np.array([[1.0, 0.0]]), "b": classes}
    assert np.isnan(mean_accuracy(("a", "b")).score(both, said))


def test_pixelwise_line_is_least_squares_in_every_pixel() -> None:
    rng = np.random.default_rng(0)
    clean = rng.random((50, 3, 3, 1)).astype(np.float32)
    clean[:, 0, 0] = 0.25  # always the same: the noise there tells nothing
    noisy = clean + rng.normal(0, 0.3, clean.shape).astype(np.float32)
    train = Examples({"noisy": noisy}, {"clean": clean})
    inputs = {"noisy": rng.random((7, 3, 3, 1)).astype(np.float32)}
    answer = pixelwise_line("noisy", "clean").predict(train, inputs)["clean"]
    for row, column in np.ndindex(3, 3):
        slope, offset = np.polyfit(noisy[:, row, column, 0], clean[:, row, column, 0], 1)
        expected = slope * inputs["noisy"][:, row, column, 0] + offset
        assert np.allclose(answer[:, row, column, 0], expected, atol=1e-5)
    assert np.allclose(answer[:, 0, 0], 0.25)
    assert answer.dtype == np.float32


def test_pixelwise_line_of_an_input_without_variation_is_flat() -> None:
    train = Examples(
        {"noisy": np.ones((4, 2, 2, 1), np.float32)},
        {"clean": np.arange(16, dtype=np.float32).reshape(4, 2, 2, 1)},
    )
    answer = pixelwise_line("noisy", "clean").predict(train, {"noisy": np.full((1, 2, 2, 1), 9.0)})
    assert answer["clean"].ravel().tolist() == [6.0, 7.0, 8.0, 9.0]


def test_majority_classes_answers_for_each_target() -> None:
    train = Examples({"x": np.zeros((3, 1))}, {"a": np.array([0, 1, 1]), "b": np.array([2, 2, 0])})
    answer = majority_classes(("a", "b"), 3).predict(train, {"x": np.zeros((2, 1))})
    assert answer["a"].argmax(axis=1).tolist() == [1, 1]
    assert answer["b"].argmax(axis=1).tolist() == [2, 2]
