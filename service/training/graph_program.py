"""Whole epochs as one TensorFlow graph over data that stays in memory as tensors."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.contracts.data import Arrays, Examples
from service.training.packing import named, packed
from service.training.program import Chunk, ModelProgram, Objective
from service.training.rates import RateInputs, Rates
from service.training.resident import Resident


@cache
def _resident() -> Resident:
    """The tensors of this process."""
    import tensorflow as tf

    return Resident(tf.constant)


def forget_data() -> None:
    """Let go of all data that programs of this process shared."""
    _resident.cache_clear()


class GraphProgram(ModelProgram):
    """Some epochs, each with its answers to the watched examples, in one call of a graph."""

    jit = False

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

        def unwatched(inputs: Any, outputs: Any, orders: Any, rates: Any) -> Any:
            epochs = tf.shape(orders)[0]
            losses = tf.TensorArray(tf.float32, size=epochs)
            with self._rates.traced(rates):
                for number in tf.range(epochs):
                    losses = losses.write(number, epoch(inputs, outputs, orders[number]))
            return losses.stack()

        def watching(inputs: Any, outputs: Any, orders: Any, rates: Any, watched: Any) -> Any:
            epochs = tf.shape(orders)[0]
            losses = tf.TensorArray(tf.float32, size=epochs)
            answers = [tf.TensorArray(output.dtype, size=epochs) for output in model.outputs]
            with self._rates.traced(rates):
                for number in tf.range(epochs):
                    losses = losses.write(number, epoch(inputs, outputs, orders[number]))
                    given = self._flat(model(watched, training=False))
                    answers = [a.write(number, g) for a, g in zip(answers, given, strict=True)]
            return losses.stack(), [answer.stack() for answer in answers]

        def predict(inputs: Any) -> Any:
            return model(inputs, training=False)

        self._tf = tf
        self._rates = RateInputs(model)
        self._watching = tf.function(watching, jit_compile=self.jit or None)
        self._unwatched = tf.function(unwatched, jit_compile=self.jit or None)
        self._forward = tf.function(predict)
        self._traced: dict[Any, Any] = {}

    def start(self, state: list[NDArray[Any]], rates: Rates, train: Examples) -> None:
        self._reset(state, rates)
        self._rates.show(rates)
        self._given = self._tf.constant(self._rates.vector(rates))
        self._examples = self._kept(train.inputs), self._kept(train.targets)

    def train(self, orders: NDArray[np.int32], watched: Arrays | None) -> Chunk:
        tf = self._tf
        given = [*self._examples, tf.constant(orders), self._given]
        specs = [
            *map(self._any, self._examples),
            tf.TensorSpec([None] * 3, tf.int32),
            tf.TensorSpec(self._given.shape, tf.float32),
        ]
        if watched is None:
            losses = self._graph(self._unwatched, *specs)(*given)
            return Chunk(np.asarray(losses, np.float64), None)
        tensors = self._kept(watched)
        graph = self._graph(self._watching, *specs, self._any(tensors))
        losses, answers = graph(*given, tensors)
        outputs = tf.nest.pack_sequence_as(self._structure, answers)
        predictions = {
            name: np.asarray(value) for name, value in named(outputs, self.targets).items()
        }
        return Chunk(np.asarray(losses, np.float64), predictions)

    def _predict(self, inputs: Arrays) -> Any:
        tensors = self._tensors(inputs)
        return self._graph(self._forward, self._any(tensors))(tensors)

    def _flat(self, outputs: Any) -> Any:
        """The model's outputs as a list; their structure is kept while a graph is traced."""
        self._structure = self._tf.nest.map_structure(lambda _: None, outputs)
        return self._tf.nest.flatten(outputs)

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

    def _kept(self, arrays: Arrays) -> Any:
        """Tensors that all programs of the process share, for as long as there is room."""
        return packed({name: _resident().of(array) for name, array in arrays.items()})

    def _tensors(self, arrays: Arrays) -> Any:
        return packed({name: self._tf.constant(array) for name, array in arrays.items()})


class XlaProgram(GraphProgram):
    """The same graph compiled by XLA: for dense nets a small part of the time, once compiled.

    XLA knows no open shapes: another split size, batch size or number of epochs is compiled anew.
    Its convolutions on a CPU are many times slower than the plain graph's.
    """

    jit = True
    fixed_chunk = True
