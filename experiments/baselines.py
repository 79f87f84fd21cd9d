"""Trivial answers: a model that does not beat its baseline has learnt nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.contracts import Arrays, Baseline, Examples


def majority_class(target: str, classes: int) -> Baseline:
    """Every class with its share of the training examples, so that the most frequent one wins.

    Args:
        target: a target of class numbers, shape (examples,).
        classes: how many there are; predictions have shape (examples, classes).
    """

    def predict(train: Examples, inputs: Arrays) -> Arrays:
        counts = np.bincount(train.targets[target], minlength=classes)
        shares = (counts / counts.sum()).astype(np.float32)
        return {target: np.tile(shares, (_count(inputs), 1))}

    return Baseline("always the most frequent class", predict)


def mean(target: str) -> Baseline:
    """The training examples' mean, whatever the inputs are.

    Args:
        target: a target of numbers, shape (examples, values).
    """

    def predict(train: Examples, inputs: Arrays) -> Arrays:
        average = train.targets[target].mean(axis=0, dtype=np.float64).astype(np.float32)
        return {target: np.tile(average, (_count(inputs), 1))}

    return Baseline("always the mean of the training examples", predict)


def majority_classes(targets: tuple[str, ...], classes: int) -> Baseline:
    """For each of several targets what `majority_class` answers for one."""
    each = [majority_class(target, classes) for target in targets]

    def predict(train: Examples, inputs: Arrays) -> Arrays:
        answers: dict[str, NDArray[Any]] = {}
        for baseline in each:
            answers.update(baseline.predict(train, inputs))
        return answers

    return Baseline("always the most frequent class of each target", predict)


def pixelwise_line(source: str, target: str) -> Baseline:
    """Each pixel from the same pixel of the input alone, by its own least-squares line.

    Where a pixel varies little over the training images the line is flat, and its mean is the
    answer; where it varies much the line is steep, and the input is believed.

    Args:
        source, target: an input and a target of images, both of shape (examples, height, width,
            channels).
    """

    def predict(train: Examples, inputs: Arrays) -> Arrays:
        x = train.inputs[source].astype(np.float64)
        y = train.targets[target].astype(np.float64)
        centre, height = x.mean(axis=0), y.mean(axis=0)
        spread = np.square(x - centre).mean(axis=0)
        joint = ((x - centre) * (y - height)).mean(axis=0)
        slope = np.divide(joint, spread, out=np.zeros_like(joint), where=spread > 0)
        answer = height + slope * (inputs[source] - centre)
        return {target: answer.astype(np.float32)}

    return Baseline("each pixel from itself alone, by a line", predict)


def colour_threshold(source: str, target: str, *, darker: int, brighter: int) -> Baseline:
    """A pixel is foreground where one colour does not exceed another by more than a threshold.

    The threshold, in whole grey levels, is the one that gets most training pixels right.

    Args:
        source: an input of colour images from 0 to 1, shape (examples, height, width, channels).
        target: a target of masks of 0 and 1, shape (examples, height, width, 1).
        darker, brighter: channels; the difference is `brighter` minus `darker`.
    """

    def difference(images: NDArray[Any]) -> NDArray[Any]:
        levels = np.rint(255 * images[..., [brighter]] - 255 * images[..., [darker]])
        whole: NDArray[np.int64] = levels.astype(np.int64)
        return whole

    def predict(train: Examples, inputs: Arrays) -> Arrays:
        levels = difference(train.inputs[source])
        land = train.targets[target] > 0.5
        # How many of each class lie at or below every level, from -255 on.
        below_land, below_sea = (
            np.cumsum(np.bincount(levels[mask] + 255, minlength=511)) for mask in (land, ~land)
        )
        threshold = int(np.argmax(below_land - below_sea)) - 255
        answer = difference(inputs[source]) <= threshold
        return {target: answer.astype(np.float32)}

    return Baseline("a threshold on one colour difference", predict)


def constant(target: str, value: float, name: str) -> Baseline:
    """One number known beforehand, whatever the training examples and the inputs are.

    Args:
        target: a target of numbers, shape (examples, values).
        value: the answer.
        name: what it means ("it stays as it is").
    """

    def predict(train: Examples, inputs: Arrays) -> Arrays:
        values = train.targets[target].shape[1]
        return {target: np.full((_count(inputs), values), value, np.float32)}

    return Baseline(name, predict)


def _count(inputs: Arrays) -> int:
    return len(next(iter(inputs.values())))
