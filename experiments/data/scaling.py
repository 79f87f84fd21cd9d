"""Scaling that is fitted on training examples alone, for a pair's `prepare`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from service.contracts import Examples

Transform = Callable[[Examples], Examples]


def standardise(*inputs: str) -> Callable[[Examples], Transform]:
    """Shift and scale every column of these inputs to mean 0 and variance 1 over training examples.

    Args:
        inputs: names of inputs of shape (examples, columns). Others stay as they are.

    Returns:
        training examples -> a transformation of any examples; it gives float32. A column that is
        constant in training is shifted, but not scaled.
    """

    def fit(train: Examples) -> Transform:
        means, deviations = {}, {}
        for name in inputs:
            column = train.inputs[name].astype(np.float64)
            deviation = column.std(axis=0)
            means[name] = column.mean(axis=0)
            deviations[name] = np.where(deviation > 0, deviation, 1.0)

        def transform(examples: Examples) -> Examples:
            scaled = {
                name: ((examples.inputs[name] - means[name]) / deviations[name]).astype(np.float32)
                for name in inputs
            }
            return replace(examples, inputs={**examples.inputs, **scaled})

        return transform

    return fit
