"""A compiled training, reused by every trial that has the same shapes.

Tracing costs a second, a warm epoch of a small model milliseconds. So what does not change shapes
is an input of the program and not a constant in it: initial weights, optimizer state, data,
the order of examples, learning rate, dropout rates, weight decay. The ways to run one are strategies, a module each:
`fit_program`, `graph_program`, `scan_program`; `strategies` knows their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from service.contracts.data import Arrays, Examples
from service.training.packing import named
from service.training.rates import Rates

PREDICTION_BATCH = 1024
"""Examples predicted at once; it bounds memory and, being fixed, keeps the bits."""


@dataclass(frozen=True)
class Objective:
    """What a training minimises.

    Args:
        loss: a Keras loss by name, or by target name.
        targets: the targets' names.
        weights: by target name, where there are several targets.
        decay: weight decay, None for none; what takes it as an input gets each training's own.
    """

    loss: str | Mapping[str, str]
    targets: tuple[str, ...]
    weights: Mapping[str, float] | None = None
    decay: float | None = None


@dataclass(frozen=True)
class Chunk:
    """What some epochs of training showed.

    Args:
        losses: the mean training loss of each epoch, shape (epochs,).
        predictions: by target name what the model answered to the watched examples after each
            epoch, each of shape (epochs, examples, ...); None where nothing was watched.
    """

    losses: NDArray[np.float64]
    predictions: Arrays | None


class Trained(Protocol):
    """A model as a training has left it."""

    @property
    def model(self) -> Any: ...

    @property
    def architecture(self) -> Any:
        """The model where its weights do not matter: they may be another training's."""
        ...

    def weights(self) -> list[NDArray[Any]]:
        """Copies of the model's weights; states of random generators are not among them."""
        ...

    def predict(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """The model's outputs by target name, each of shape (examples, ...)."""
        ...

    def capture(self) -> list[NDArray[Any]]:
        """All that a training has changed so far: the model's state and the optimizer's."""
        ...


class Program(Trained, Protocol):
    """One model's training, ready to be started again and again."""

    fixed_chunk: bool
    """Whether another number of epochs in a chunk compiles the program anew."""
    most_watched: int
    """The most examples that it answers to inside, after each epoch."""

    def start(self, state: list[NDArray[Any]], rates: Rates, train: Examples) -> None:
        """Begin a new training.

        Args:
            state: values of the variables that `variables` lists.
            rates: of learning, and what else the strategy takes as an input.
            train: the training examples.
        """
        ...

    def release(self) -> None:
        """Let go of the training examples, which others may need the memory of; the rest stays."""
        ...

    def train(self, orders: NDArray[np.int32], watched: Arrays | None) -> Chunk:
        """Train for some epochs; how they are cut into chunks changes no number.

        Args:
            orders: positions of the training examples, shape (epochs, steps, batch size).
            watched: inputs to be answered after each epoch.
        """
        ...

    def restore(self, captured: list[NDArray[Any]]) -> None:
        """Go on from what `capture` gave; `start` must have been called."""
        ...


def compiled(model: Any, objective: Objective, **options: Any) -> Any:
    """Compile a model for training with Adam; the learning rate is set when a training starts."""
    import keras

    model.compile(
        optimizer=keras.optimizers.Adam(weight_decay=objective.decay),
        loss=objective.loss if isinstance(objective.loss, str) else dict(objective.loss),
        loss_weights=None if objective.weights is None else dict(objective.weights),
        # XLA's convolutions are many times slower than oneDNN's on a CPU; JAX knows nothing else.
        jit_compile=keras.backend.backend() == "jax",
        **options,
    )
    model.optimizer.build(model.trainable_variables)
    return model


class ModelProgram:
    """What all strategies share whose state lives in the variables of one Keras model."""

    fixed_chunk = False
    most_watched = PREDICTION_BATCH
    _examples: Any = None

    def __init__(self, model: Any, objective: Objective, **options: Any) -> None:
        self.model = compiled(model, objective, **options)
        self.targets = list(objective.targets)
        # The loss tracker appears among the variables when first used; a training starts without.
        self._variables = variables(model)
        self._fresh = values(model.optimizer.variables)

    def _reset(self, state: list[NDArray[Any]], rates: Rates) -> None:
        self.restore([*state, *self._fresh])
        self.model.optimizer.learning_rate.assign(rates.learning)

    def release(self) -> None:
        self._examples = None

    @property
    def architecture(self) -> Any:
        return self.model

    def weights(self) -> list[NDArray[Any]]:
        return list(self.model.get_weights())

    def capture(self) -> list[NDArray[Any]]:
        return values([*self._variables, *self.model.optimizer.variables])

    def restore(self, captured: list[NDArray[Any]]) -> None:
        changed = [*self._variables, *self.model.optimizer.variables]
        for variable, value in zip(changed, captured, strict=True):
            variable.assign(value)

    def predict(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        examples = len(next(iter(inputs.values())))
        parts = [
            named(self._predict(_window(inputs, start)), self.targets)
            for start in range(0, examples, PREDICTION_BATCH)
        ]
        return {
            target: np.concatenate([np.asarray(part[target]) for part in parts])
            for target in self.targets
        }

    def _predict(self, inputs: Arrays) -> Any:
        raise NotImplementedError


def _window(arrays: Arrays, start: int) -> Arrays:
    return {name: array[start : start + PREDICTION_BATCH] for name, array in arrays.items()}


def variables(model: Any) -> list[Any]:
    """Every variable a training starts from: weights, statistics, states of random generators."""
    metrics = {id(variable) for variable in model.metrics_variables}
    return [variable for variable in model.variables if id(variable) not in metrics]


def values(of: list[Any]) -> list[NDArray[Any]]:
    """Copies of these variables' values."""
    import keras

    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in of]
