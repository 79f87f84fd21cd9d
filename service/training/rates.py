"""Dropout rates and weight decay as inputs of a program, and not constants in it.

Keras' own layers and optimizer compute with them: only while a program is traced do they hold
values that are known when it runs, and plain numbers again afterwards. What is trained, saved and
reported is a model of Keras' own layers.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Rates:
    """What a training is told besides its weights and its data.

    Args:
        learning: Adam's learning rate.
        decay: decoupled weight decay, per step and unit of the learning rate (Loshchilov and
            Hutter 2019, algorithm 2); read where the program's objective has one.
        dropout: of the layers that `adjustable` lists, in its order; None for those they were
            built with.
    """

    learning: float
    decay: float = 0.0
    dropout: tuple[float, ...] | None = None


def adjustable(model: Any) -> list[Any]:
    """The layers of a model whose dropout rate can be an input of a program.

    A rate of 0 makes a layer without a random generator, and one of 1 no arithmetic at all: both
    are other models. Layers that are no dropout but have one (an LSTM) keep theirs as a constant.
    """
    import keras

    layers = keras.layers
    kinds = (
        layers.Dropout,
        layers.SpatialDropout1D,
        layers.SpatialDropout2D,
        layers.SpatialDropout3D,
    )
    return [
        layer
        for layer in model._flatten_layers()
        if type(layer) in kinds and 0 < layer.rate < 1 and layer.compute_dtype == "float32"
    ]


class RateInputs:
    """The places of a compiled model where its rates are read.

    Args:
        model: compiled.
    """

    def __init__(self, model: Any) -> None:
        self._optimizer = model.optimizer
        self._layers = adjustable(model)
        self._own = tuple(float(layer.rate) for layer in self._layers)

    def vector(self, rates: Rates) -> NDArray[np.float32]:
        """These rates as a program takes them: weight decay, then dropout, shape (1 + layers,)."""
        return np.array([rates.decay, *self._dropout(rates)], np.float32)

    def show(self, rates: Rates) -> None:
        """Have the model tell these rates, as one that was built with them would."""
        for layer, rate in zip(self._layers, self._dropout(rates), strict=True):
            layer.rate = rate
        if self._optimizer.weight_decay is not None:
            self._optimizer.weight_decay = rates.decay

    @contextmanager
    def traced(self, vector: Any) -> Iterator[None]:
        """Whatever is traced meanwhile reads its rates from this vector, a tensor."""
        decay, own = self._optimizer.weight_decay, [layer.rate for layer in self._layers]
        try:
            for place, layer in enumerate(self._layers):
                layer.rate = _Traced(vector[1 + place])
            if decay is not None:
                self._optimizer.weight_decay = vector[0]
            yield
        finally:
            for layer, rate in zip(self._layers, own, strict=True):
                layer.rate = rate
            self._optimizer.weight_decay = decay

    def _dropout(self, rates: Rates) -> tuple[float, ...]:
        return self._own if rates.dropout is None else rates.dropout


@numbers.Real.register
class _Traced:
    """A number above 0 and below 1, which is all that Keras and TensorFlow ask while they trace."""

    def __init__(self, tensor: Any) -> None:
        self._tensor = tensor

    def __gt__(self, other: float) -> bool:
        return other <= 0

    def __ge__(self, other: float) -> bool:
        return other <= 0

    def __lt__(self, other: float) -> bool:
        return other >= 1

    def __rsub__(self, other: float) -> Any:
        return other - self._tensor

    def __tf_tensor__(self, dtype: Any = None, name: str | None = None) -> Any:
        return self._tensor
