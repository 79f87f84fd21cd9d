"""Keras' own `fit`, on any backend: what the other strategies are held against."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.contracts.data import Arrays, Examples
from service.training.packing import packed
from service.training.program import Chunk, ModelProgram, Objective
from service.training.rates import Rates

STEPS_PER_EXECUTION = 32
"""Batches that Keras trains on before it looks up; torch knows only one."""


class FitProgram(ModelProgram):
    """`model.fit`, an epoch at a time, over the examples in the order that is asked for.

    Dropout rates and weight decay are constants of what Keras compiles.
    """

    def __init__(self, model: Any, objective: Objective) -> None:
        import keras

        torch = keras.backend.backend() == "torch"
        if torch:
            _draw_from_variables(model)
        super().__init__(model, objective, steps_per_execution=1 if torch else STEPS_PER_EXECUTION)

    def start(self, state: list[NDArray[Any]], rates: Rates, train: Examples) -> None:
        self._reset(state, rates)
        self._examples = train

    def train(self, orders: NDArray[np.int32], watched: Arrays | None) -> Chunk:
        losses = []
        predictions: list[dict[str, NDArray[Any]]] = []
        for order in orders:
            losses.append(self._epoch(order))
            if watched is not None:
                predictions.append(self.predict(watched))
        return Chunk(
            np.array(losses),
            None
            if watched is None
            else {name: np.stack([p[name] for p in predictions]) for name in self.targets},
        )

    def _epoch(self, order: NDArray[np.int32]) -> float:
        batch = self._examples.take(order.reshape(-1))
        history = self.model.fit(
            packed(batch.inputs),
            packed(batch.targets),
            batch_size=order.shape[1],
            shuffle=False,
            verbose=0,
        )
        return float(history.history["loss"][-1])

    def _predict(self, inputs: Arrays) -> Any:
        import keras

        outputs = self.model.predict_on_batch(packed(inputs))
        return keras.tree.map_structure(np.asarray, outputs)


def _draw_from_variables(model: Any) -> None:
    """Make dropout draw from its own generator, whose state is a variable, as on other backends.

    On torch Keras does so only where a layer was given a seed; otherwise it draws from torch's one
    generator, and a training would depend on what ran before it.
    """
    for layer in model._flatten_layers():
        for generator in layer._seed_generators:
            generator._initial_seed = 0  # Given, that is; the state is what is drawn from.
