"""One training, from a spec to its numbers, on a worker that is ready."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.contracts.data import Arrays, Examples
from service.contracts.pair import CONTROL, Hyperparameters, Pair, Scalar
from service.contracts.results import Curve
from service.contracts.trial import Status, TrialSpec, content_hash
from service.training import control, matching
from service.training.anatomy import parameters
from service.training.material import Material
from service.training.packing import viewed
from service.training.program import Objective, Program, ProgramCache, strategy, values, variables
from service.training.seeding import seed_builders

INPUTS_OF_THE_PROGRAM = frozenset({"learning_rate", "batch_size"})
"""Hyperparameters that a compiled program takes as inputs: the model is the same for all values."""


class TimedOut(Exception):
    """The trial took longer than it may."""


@dataclass
class Training:
    """What a training left behind.

    Args:
        status: ok, pruned or diverged.
        reason: why it did not end ok.
        program: the program, holding the final weights.
        hyperparameters: all the builder got.
        curve: loss and validation metric by epoch.
        score: the validation metric after the last epoch, None unless finite.
        reused: whether the program was compiled before.
        compile_seconds, train_seconds: preparing, and the epochs themselves.
    """

    program: Program
    hyperparameters: dict[str, Scalar]
    reused: bool
    compile_seconds: float
    train_seconds: float = 0.0
    status: Status = Status.OK
    reason: str | None = None
    loss: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)

    @property
    def curve(self) -> Curve:
        return Curve(loss=tuple(self.loss), validation=tuple(self.validation))

    @property
    def score(self) -> float | None:
        finished = self.status in (Status.OK, Status.PRUNED) and self.validation
        return self.validation[-1] if finished else None


class Trainer:
    """Trains specs of one pair, keeping solved sizes and compiled programs.

    Args:
        pair: what is trained.
        backend: decides the strategy.
        programs: the worker's cache, shared by all its pairs.
    """

    def __init__(self, pair: Pair, backend: str, programs: ProgramCache) -> None:
        self._pair = pair
        self._strategy = strategy(backend)
        self._programs = programs
        self._sizes: dict[str, int] = {}

    def train(self, spec: TrialSpec, material: Material, deadline: float) -> Training:
        """Train as the spec says.

        Args:
            spec: what to train.
            material: the data of the spec's split.
            deadline: `time.monotonic()` at which the trial must have ended.

        Raises:
            TimedOut: the deadline passed.
        """
        started = time.perf_counter()
        hyperparameters = self._resolved(spec)
        view = self._pair.variant(spec.variant).view
        train = Examples(viewed(material.train.inputs, view), material.train.targets)
        validation = viewed(material.validation.inputs, view)
        model = self._build(spec, hyperparameters)
        weights = values(variables(model))
        program, reused = self._programs.get(
            self._key(spec, hyperparameters),
            lambda: self._strategy(model, self._objective(train, hyperparameters)),
        )
        rate = float(hyperparameters["learning_rate"])
        orders = _Orders(spec.seeds.order, len(train), int(hyperparameters["batch_size"]))
        program.start(weights, rate, train)
        if not reused:
            # Tracing is not training: run both functions once, then begin again from the start.
            program.epoch(orders.example())
            program.predict(validation)
            program.start(weights, rate, train)
        training = Training(program, hyperparameters, reused, time.perf_counter() - started)
        self._epochs(training, spec, orders, material, validation, deadline)
        return training

    def _epochs(
        self,
        training: Training,
        spec: TrialSpec,
        orders: _Orders,
        material: Material,
        validation: Arrays,
        deadline: float,
    ) -> None:
        targets, metric = material.validation.targets, self._pair.metric
        for epoch in range(spec.epochs):
            started = time.perf_counter()
            loss = training.program.epoch(orders.next())
            training.train_seconds += time.perf_counter() - started
            if not np.isfinite(loss):
                training.status = Status.DIVERGED
                training.reason = f"the training loss was {loss} in epoch {epoch + 1}"
                return
            predictions = self.answers(spec, training.program, validation)
            score = float(metric.score(targets, predictions)) if _finite(predictions) else np.nan
            if not np.isfinite(score):
                training.status = Status.DIVERGED
                training.reason = f"the predictions were not finite after epoch {epoch + 1}"
                return
            training.loss.append(loss)
            training.validation.append(score)
            bar = spec.prune_at[epoch] if epoch < len(spec.prune_at) else None
            if bar is not None and metric.better(bar, score) and epoch + 1 < spec.epochs:
                training.status = Status.PRUNED
                training.reason = (
                    f"{metric.name} {score:.4g} fell behind {bar:.4g} at epoch {epoch + 1}"
                )
                return
            if time.monotonic() > deadline and epoch + 1 < spec.epochs:
                raise TimedOut(f"after {epoch + 1} of {spec.epochs} epochs")

    def answers(self, spec: TrialSpec, program: Program, inputs: Arrays) -> Arrays:
        """What the variant answers to these inputs, by target name."""
        answer = self._pair.variant(spec.variant).answer
        return program.predict(inputs) if answer is None else answer(program.predict, inputs)

    def _objective(self, train: Examples, hyperparameters: Hyperparameters) -> Objective:
        weights = self._pair.loss_weights
        return Objective(
            loss=self._pair.loss,
            targets=tuple(sorted(train.targets)),
            weights=None if weights is None else weights(_of_the_model(hyperparameters)),
        )

    def _build(self, spec: TrialSpec, hyperparameters: Hyperparameters) -> Any:
        """A new model whose initial weights and random states come from the spec's seed alone."""
        seed_builders(spec.seeds.weights)
        model = self._pair.variant(spec.variant).build(_of_the_model(hyperparameters))
        return control.rebuild(model) if spec.variant == CONTROL else model

    def _resolved(self, spec: TrialSpec) -> dict[str, Scalar]:
        """The spec's hyperparameters with the size solved where it is matched."""
        given = dict(spec.hyperparameters)
        capacity = self._pair.capacity
        if spec.budget is None or capacity is None:
            return given
        shape = _of_the_model(given)
        key = content_hash([spec.variant, spec.budget, shape])
        if key not in self._sizes:
            build = self._pair.variant(spec.variant).build

            def count(size: int) -> int:
                return parameters(build({**shape, capacity.name: size}))

            self._sizes[key] = matching.solve(
                count, spec.budget, low=capacity.low, high=capacity.high
            )
        return {**given, capacity.name: self._sizes[key]}

    def _key(self, spec: TrialSpec, hyperparameters: Hyperparameters) -> str:
        """What a compiled program depends on; it takes any number of examples."""
        model = _of_the_model(hyperparameters)
        return content_hash([spec.pair, spec.code, spec.variant, model])


def _of_the_model(hyperparameters: Hyperparameters) -> dict[str, Scalar]:
    """What a builder gets: without what a program takes as inputs, since it is built only once."""
    return {k: v for k, v in hyperparameters.items() if k not in INPUTS_OF_THE_PROGRAM}


class _Orders:
    """The order of the training examples, epoch by epoch: shuffled, the incomplete batch left out."""

    def __init__(self, seed: int, examples: int, batch: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._examples = examples
        self._batch = min(batch, examples)

    def next(self) -> NDArray[np.int32]:
        steps = self._examples // self._batch
        order = self._rng.permutation(self._examples)[: steps * self._batch]
        return order.reshape(steps, self._batch).astype(np.int32)

    def example(self) -> NDArray[np.int32]:
        """One batch of the shape that all have; it draws nothing."""
        return np.arange(self._batch, dtype=np.int32).reshape(1, self._batch)


def _finite(predictions: Arrays) -> bool:
    return all(bool(np.isfinite(array).all()) for array in predictions.values())


def digest(model: Any) -> str:
    """A hash of the model's weights, bit for bit; states of random generators are left out."""
    total = hashlib.sha256()
    for value in model.get_weights():
        total.update(np.ascontiguousarray(value).tobytes())
    return total.hexdigest()[:16]
