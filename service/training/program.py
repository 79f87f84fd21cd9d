"""A compiled training, reused by every trial that has the same shapes.

Tracing costs a second, a warm epoch of a small model milliseconds. So what does not change shapes
is an input of the program and not a constant in it: initial weights, optimizer state, data,
the order of examples, the learning rate.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from service.contracts.data import Arrays, Examples
from service.training.packing import named, packed

PREDICTION_BATCH = 1024
"""Examples predicted at once; it bounds memory and, being fixed, keeps the bits."""


class Program(Protocol):
    """One model's training, ready to be started again and again."""

    model: Any

    def start(self, weights: list[NDArray[Any]], learning_rate: float, train: Examples) -> None:
        """Begin a new training from these values of all the model's variables."""
        ...

    def epoch(self, order: NDArray[np.int32]) -> float:
        """Train on batches of the training examples.

        Args:
            order: positions of the examples, shape (steps, batch size).

        Returns:
            The mean training loss of the epoch.
        """
        ...

    def predict(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """The model's outputs by target name, each of shape (examples, ...)."""
        ...


@dataclass(frozen=True)
class Objective:
    """What a training minimises.

    Args:
        loss: a Keras loss by name, or by target name.
        weights: by target name, where there are several targets.
        targets: the targets' names.
    """

    loss: str | Mapping[str, str]
    targets: tuple[str, ...]
    weights: Mapping[str, float] | None = None


def compiled(model: Any, objective: Objective) -> Any:
    """Compile a model for training with Adam; the learning rate is set when a training starts."""
    import keras

    model.compile(
        optimizer=keras.optimizers.Adam(),
        loss=objective.loss if isinstance(objective.loss, str) else dict(objective.loss),
        loss_weights=None if objective.weights is None else dict(objective.weights),
        # XLA's convolutions are many times slower than oneDNN's on a CPU; JAX knows nothing else.
        jit_compile=keras.backend.backend() == "jax",
    )
    model.optimizer.build(model.trainable_variables)
    return model


class _Base:
    """What all strategies share: the state that a new training starts from."""

    def __init__(self, model: Any, objective: Objective) -> None:
        self.model = compiled(model, objective)
        self.targets = list(objective.targets)
        # The loss tracker appears among the variables when first used; a training starts without it.
        self._variables = variables(model)
        self._fresh = values(model.optimizer.variables)

    def _reset(self, weights: list[NDArray[Any]], learning_rate: float) -> None:
        for variable, value in zip(self._variables, weights, strict=True):
            variable.assign(value)
        for variable, value in zip(self.model.optimizer.variables, self._fresh, strict=True):
            variable.assign(value)
        self.model.optimizer.learning_rate.assign(learning_rate)

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


class PlainProgram(_Base):
    """Keras' own `train_on_batch`, on any backend: slower, and what the others are held against."""

    def start(self, weights: list[NDArray[Any]], learning_rate: float, train: Examples) -> None:
        self._reset(weights, learning_rate)
        self._train = train

    def epoch(self, order: NDArray[np.int32]) -> float:
        losses = []
        for positions in order:
            batch = self._train.take(positions)
            logs = self.model.train_on_batch(
                packed(batch.inputs), packed(batch.targets), return_dict=True
            )
            losses.append(float(logs["loss"]))
        return float(np.mean(losses))

    def _predict(self, inputs: Arrays) -> Any:
        return self.model.predict_on_batch(packed(inputs))


class GraphProgram(_Base):
    """A whole epoch as one TensorFlow graph over data that stays in memory as tensors."""

    def __init__(self, model: Any, objective: Objective) -> None:
        super().__init__(model, objective)
        import tensorflow as tf

        def batch(arrays: Any, positions: Any) -> Any:
            return tf.nest.map_structure(lambda tensor: tf.gather(tensor, positions), arrays)

        def epoch(inputs: Any, outputs: Any, order: Any) -> Any:
            model.reset_metrics()
            for step in tf.range(tf.shape(order)[0]):
                model.train_step(batch((inputs, outputs), order[step]))
            return model.get_metrics_result()["loss"]

        def predict(inputs: Any) -> Any:
            return model(inputs, training=False)

        self._tf = tf
        self._epoch = tf.function(epoch)
        self._forward = tf.function(predict)
        self._traced: dict[Any, Any] = {}

    def start(self, weights: list[NDArray[Any]], learning_rate: float, train: Examples) -> None:
        self._reset(weights, learning_rate)
        self._inputs = self._tensors(train.inputs)
        self._outputs = self._tensors(train.targets)

    def epoch(self, order: NDArray[np.int32]) -> float:
        steps = self._tf.TensorSpec([None, None], self._tf.int32)
        graph = self._graph(self._epoch, self._any(self._inputs), self._any(self._outputs), steps)
        return float(graph(self._inputs, self._outputs, self._tf.constant(order)))

    def _predict(self, inputs: Arrays) -> Any:
        tensors = self._tensors(inputs)
        return self._graph(self._forward, self._any(tensors))(tensors)

    def _graph(self, function: Any, *specs: Any) -> Any:
        """The function traced for any number of examples and steps: one trace serves every split."""
        key = (function, str(specs))
        if key not in self._traced:
            self._traced[key] = function.get_concrete_function(*specs)
        return self._traced[key]

    def _any(self, tensors: Any) -> Any:
        """The shapes of these tensors, the number of examples left open."""
        tf = self._tf
        return tf.nest.map_structure(
            lambda tensor: tf.TensorSpec([None, *tensor.shape[1:]], tensor.dtype), tensors
        )

    def _tensors(self, arrays: Arrays) -> Any:
        return packed({name: self._tf.constant(array) for name, array in arrays.items()})


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


def strategy(backend: str) -> type[GraphProgram] | type[PlainProgram]:
    """The way a backend trains."""
    return GraphProgram if backend == "tensorflow" else PlainProgram


class ProgramCache:
    """The programs of one worker; the least recently used goes when there are too many."""

    def __init__(self, capacity: int = 16) -> None:
        self._capacity = capacity
        self._programs: OrderedDict[str, Program] = OrderedDict()
        self.compiled = 0
        self.reused = 0

    def get(self, key: str, build: Callable[[], Program]) -> tuple[Program, bool]:
        """The program of this key and whether it was there already."""
        if key in self._programs:
            self.reused += 1
            self._programs.move_to_end(key)
            return self._programs[key], True
        self.compiled += 1
        program = self._programs[key] = build()
        if len(self._programs) > self._capacity:
            self._programs.popitem(last=False)
        return program, False
