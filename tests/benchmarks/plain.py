"""The other side of the cases about training: Keras alone, as a user writes it, in its own process.

It is a process of its own so that nothing that archduel sets (threads, determinism) slows it down.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from service.contracts.data import Arrays
from service.contracts.pair import Scalar
from tests.benchmarks.trials import Bench


class Plain:
    """One training written with Keras alone; every method is a whole one, validation included.

    Args:
        pair, epochs: what is trained.
        variant: which model.
        hyperparameters: all that the builder and the training get, the solved size included.
    """

    def __init__(
        self, pair: str, epochs: int, variant: str, hyperparameters: Mapping[str, Scalar]
    ) -> None:
        bench = Bench(pair, epochs)
        material = bench.material()
        self._pair, self._epochs, self._given = bench.pair, epochs, dict(hyperparameters)
        self._build = bench.pair.variant(variant).build
        self._train = _one(material.train.inputs), _one(material.train.targets)
        self._validation = _one(material.validation.inputs), _one(material.validation.targets)
        self._batch = int(hyperparameters["batch_size"])
        self._kept: Any = None
        self._epoch: Any = None

    def fit_a_new_model(self) -> None:
        """Build, compile and `model.fit`, as Keras' documentation shows it."""
        self._fit(self._compiled())

    def fit_the_same_model(self) -> None:
        """`model.fit` of a model that was fitted before, so that nothing is traced."""
        self._kept = self._kept or self._compiled()
        self._fit(self._kept)

    def loop_over_a_new_model(self) -> None:
        """The best loop that we know to write by hand, traced and run."""
        self._loop(self._an_epoch(self._compiled()))

    def loop_over_the_same_model(self) -> None:
        """The same, traced before."""
        self._epoch = self._epoch or self._an_epoch(self._compiled())
        self._loop(self._epoch)

    def _compiled(self) -> Any:
        import keras

        model = self._build(self._given)
        rate = float(self._given["learning_rate"])
        model.compile(keras.optimizers.Adam(rate), loss=self._pair.loss)
        return model

    def _fit(self, model: Any) -> None:
        model.fit(
            *self._train,
            epochs=self._epochs,
            batch_size=self._batch,
            validation_data=self._validation,
            verbose=0,
        )

    def _an_epoch(self, model: Any) -> Any:
        """A whole epoch over Keras' own train_step in one graph; the data stays as tensors."""
        import tensorflow as tf

        data = tf.nest.map_structure(tf.constant, self._train)
        watched = tf.nest.map_structure(tf.constant, self._validation[0])
        examples = int(tf.nest.flatten(data)[0].shape[0])
        steps = examples // self._batch

        @tf.function
        def epoch() -> Any:
            order = tf.random.shuffle(tf.range(examples))[: steps * self._batch]
            order = tf.reshape(order, (steps, self._batch))
            for step in tf.range(steps):
                batch = [tf.gather(tensor, order[step]) for tensor in tf.nest.flatten(data)]
                model.train_step(tf.nest.pack_sequence_as(data, batch))
            return model(watched, training=False)

        return epoch

    def _loop(self, epoch: Any) -> None:
        import tensorflow as tf

        for _ in range(self._epochs):
            tf.nest.map_structure(lambda tensor: tensor.numpy(), epoch())


class Beside:
    """A `Plain` in a process that stays; a context manager.

    Args:
        given: what `Plain` is made of.
    """

    def __init__(self, *given: Any) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._line, theirs = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(theirs, given), daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._line.close()
        self._process.terminate()
        self._process.join()

    def seconds(self, what: str) -> float:
        """Do this once over there; the seconds it took."""
        self._line.send(what)
        return float(self._line.recv())


def _serve(line: Connection, given: Sequence[Any]) -> None:
    plain = Plain(*given)
    while True:
        try:
            what = line.recv()
        except EOFError:
            return
        started = time.perf_counter()
        getattr(plain, what)()
        line.send(time.perf_counter() - started)


def _one(arrays: Arrays) -> Any:
    return next(iter(arrays.values())) if len(arrays) == 1 else dict(arrays)
