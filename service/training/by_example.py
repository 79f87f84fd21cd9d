"""The score of each test example, where the metric is a mean over examples."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from service.contracts.by_example import ExampleScores
from service.contracts.data import Arrays
from service.contracts.metric import Metric
from service.training.material import Material

MOST = 20_000
"""Test sets beyond this are not looked through one by one: their examples' variance is small."""

_SAME = 1e-6


def scores(
    metric: Metric, targets: Arrays, predictions: Arrays, whole: float
) -> NDArray[np.float64] | None:
    """Score each example alone.

    Whether a metric is a mean over examples is not declared but tried: then the mean of these
    scores is the score of all examples together. An accuracy is one, an area under a curve is not.

    Args:
        metric: the primary metric.
        targets, predictions: of the test examples, by target name, first axis the examples.
        whole: the metric over all of them.

    Returns:
        One score per example, shape (examples,); None where the metric is no mean over examples, or
        there are more than 20,000 of them.
    """
    count = len(next(iter(targets.values())))
    if count > MOST:
        return None
    found = np.empty(count)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            for place in range(count):
                one = slice(place, place + 1)
                found[place] = metric.score(
                    {name: array[one] for name, array in targets.items()},
                    {name: array[one] for name, array in predictions.items()},
                )
    except Exception:  # a pair's own metric may refuse a single example in any way
        return None
    mean = float(found.mean())
    return found if abs(mean - whole) <= _SAME * max(1.0, abs(whole)) else None


def packed(
    metric: Metric, material: Material, predictions: Arrays, whole: float
) -> ExampleScores | None:
    """The scores of a split's test examples, small enough to keep.

    Args:
        metric: the primary metric.
        material: the split.
        predictions: for its test examples, by target name.
        whole: the metric over all of them.

    Returns:
        The scores with the examples' positions; None where the examples belong to groups, or where
        `scores` gives none.
    """
    if material.test_positions is None:
        return None
    found = scores(metric, material.read_test().targets, predictions, whole)
    return None if found is None else ExampleScores.pack(material.test_positions, found)
