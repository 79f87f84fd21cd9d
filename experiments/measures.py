"""The metrics that pairs are judged by, each with its direction and unit.

A prediction that is not a finite number makes the metric NaN, so that a diverged model can never
pass for a poor but valid one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.contracts import Arrays, Metric

Score = Callable[[NDArray[Any], NDArray[Any]], float]


def accuracy(target: str, name: str = "accuracy") -> Metric:
    """The share of examples whose most probable class is the right one.

    Args:
        target: a target of class numbers, shape (examples,); predictions are probabilities, shape
            (examples, classes).
        name: tells one target's accuracy from another's where there are several.
    """

    def score(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
        return float(np.mean(truth == predicted.argmax(axis=-1)))

    return Metric(name, "maximize", "fraction", _of(target, score, extra_axes=1))


def mean_accuracy(targets: tuple[str, ...]) -> Metric:
    """The mean of the accuracies of several targets, each as `accuracy` has it."""
    each = [accuracy(target) for target in targets]

    def score(truth: Arrays, predicted: Arrays) -> float:
        return float(np.mean([metric.score(truth, predicted) for metric in each]))

    return Metric("mean accuracy", "maximize", "fraction", score)


def mean_absolute_error(target: str, unit: str) -> Metric:
    """The mean distance between prediction and truth, in the target's unit."""

    def score(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
        return float(np.mean(np.abs(truth - predicted)))

    return Metric("mean absolute error", "minimize", unit, _of(target, score))


def root_mean_squared_error(target: str, unit: str) -> Metric:
    """The root of the mean squared distance between prediction and truth, in the target's unit."""

    def score(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
        return float(np.sqrt(np.mean(np.square(truth - predicted))))

    return Metric("root mean squared error", "minimize", unit, _of(target, score))


def peak_signal_to_noise(target: str) -> Metric:
    """The mean over images of 10 log10(1 / mean squared error), for pixels that go from 0 to 1.

    Args:
        target: a target of images, shape (examples, height, width, channels).
    """

    def score(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
        errors = np.square(truth - predicted).reshape(len(truth), -1).mean(axis=1)
        with np.errstate(divide="ignore"):  # an image without any error has an infinite ratio
            return float(np.mean(-10 * np.log10(errors)))

    return Metric("peak signal-to-noise ratio", "maximize", "dB", _of(target, score))


def mean_intersection_over_union(target: str) -> Metric:
    """The mean of the intersections over unions of foreground and background, over all pixels.

    Pixels of all images count together, so that an image with little of a class weighs little in it.
    Source: Everingham et al. 2015, The PASCAL Visual Object Classes Challenge: A Retrospective,
    section 4.1.4 (segmentation accuracy).

    Args:
        target: a target of masks of 0 and 1, shape (examples, height, width, 1); predictions are
            probabilities of 1, in the same shape.
    """

    def score(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
        true, said = truth > 0.5, predicted > 0.5
        both, either = int(np.sum(true & said)), int(np.sum(true | said))
        wrong = either - both
        neither = true.size - either
        shares = [part / (part + wrong) for part in (both, neither) if part + wrong]
        return float(np.mean(shares))

    return Metric("mean intersection over union", "maximize", "fraction", _of(target, score))


def pixel_accuracy(target: str) -> Metric:
    """The share of pixels on the right side of 0.5; the target as for the metric above."""

    def score(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
        return float(np.mean((truth > 0.5) == (predicted > 0.5)))

    return Metric("pixel accuracy", "maximize", "fraction", _of(target, score))


def relative_to_no_change(target: str) -> Metric:
    """The mean absolute error as a multiple of that of the forecast "no change at all".

    Below 1 is better than a random walk. Source: Hyndman and Koehler 2006, Another look at measures
    of forecast accuracy, section 2.4 (relative MAE).

    Args:
        target: a target of changes, shape (examples, values).
    """

    def score(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
        return float(np.mean(np.abs(truth - predicted)) / np.mean(np.abs(truth)))

    return Metric("error relative to no change", "minimize", "ratio", _of(target, score))


def direction_accuracy(target: str) -> Metric:
    """The share of changes whose sign was forecast, among those that are not 0.

    Args:
        target: a target of changes, shape (examples, values).
    """

    def score(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
        moved = truth != 0
        return float(np.mean(np.sign(predicted[moved]) == np.sign(truth[moved])))

    return Metric("direction accuracy", "maximize", "fraction", _of(target, score))


def roc_auc(target: str) -> Metric:
    """The chance that a random positive example gets a higher score than a random negative one.

    Equal scores count half. Source: Hanley and McNeil 1982, The meaning and use of the area under
    a receiver operating characteristic (ROC) curve.

    Args:
        target: a target of 0 or 1, shape (examples, 1); predictions are scores of that shape.
    """

    def score(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
        misses, alarms = _error_rates(truth, predicted)
        # The area under the curve of hits over false alarms, by the trapezoidal rule.
        hits = 1 - misses
        return float(np.sum(np.diff(alarms) * (hits[1:] + hits[:-1]) / 2))

    return Metric("ROC AUC", "maximize", "fraction", _of(target, score))


def equal_error_rate(target: str) -> Metric:
    """The error rate at the threshold where as many positives are missed as negatives accepted.

    Between two thresholds the rates are interpolated linearly, along the ROC curve.

    Args:
        target: a target of 0 or 1, shape (examples, 1); predictions are scores of that shape.
    """

    def score(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
        misses, alarms = _error_rates(truth, predicted)
        after = int(np.argmax(alarms >= misses))
        surplus = misses - alarms
        share = surplus[after - 1] / (surplus[after - 1] - surplus[after])
        return float(alarms[after - 1] + share * (alarms[after] - alarms[after - 1]))

    return Metric("equal error rate", "minimize", "fraction", _of(target, score))


def _error_rates(
    truth: NDArray[Any], predicted: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Misses (of the positives) and false alarms (of the negatives) as the threshold comes down.

    The first threshold lies above all scores (rates 1 and 0), the last one accepts all (0 and 1).
    """
    _, level = np.unique(-predicted, return_inverse=True)
    positive, negative = (
        np.bincount(level.ravel(), weights=weights.ravel()) for weights in (truth == 1, truth == 0)
    )
    misses = 1 - np.concatenate([[0.0], np.cumsum(positive) / positive.sum()])
    alarms = np.concatenate([[0.0], np.cumsum(negative) / negative.sum()])
    return misses, alarms


def _of(target: str, score: Score, *, extra_axes: int = 0) -> Callable[[Arrays, Arrays], float]:
    """Apply a score to one target's arrays, in double precision and only where their shapes fit."""

    def checked(targets: Arrays, predictions: Arrays) -> float:
        truth, predicted = targets[target], predictions[target].astype(np.float64)
        shape = predicted.shape[: predicted.ndim - extra_axes]
        if truth.shape != shape:
            # Broadcasting (n,) against (n, 1) would average over n * n pairs, without a word.
            raise ValueError(
                f"'{target}': targets of shape {truth.shape} do not fit predictions of shape "
                f"{predicted.shape}"
            )
        return score(truth, predicted) if np.isfinite(predicted).all() else float("nan")

    return checked
