"""The course of one training: chunks of epochs, each epoch scored, stopped where it must stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from service.contracts.data import Arrays, Examples
from service.contracts.metric import Metric
from service.contracts.results import Curve
from service.contracts.trial import Status, TrialSpec
from service.training.program import Chunk, Program

CHUNK_SECONDS = 1.0
"""About how long a chunk of epochs may take; between chunks it is seen whether time is up."""

WATCHED_BYTES = 64 * 1024**2
"""The most that the answers to the watched examples may take, over all epochs of a chunk."""


class TimedOut(Exception):
    """The trial took longer than it may."""


class Orders:
    """The order of the training examples, epoch by epoch: shuffled, the incomplete batch left out.

    Args:
        seed: of all the shuffles.
        examples: how many there are.
        batch: examples in a batch; all of them where there are fewer.
    """

    def __init__(self, seed: int, examples: int, batch: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._examples = examples
        self._batch = min(batch, examples)

    @property
    def shape(self) -> tuple[int, int]:
        """Steps in an epoch, and examples in a batch."""
        return self._examples // self._batch, self._batch

    def next(self, epochs: int) -> NDArray[np.int32]:
        """The positions for some more epochs, shape (epochs, steps, batch size)."""
        steps, batch = self.shape
        drawn = [self._rng.permutation(self._examples)[: steps * batch] for _ in range(epochs)]
        return np.stack(drawn).reshape(epochs, steps, batch).astype(np.int32)

    def skip(self, epochs: int) -> None:
        """Draw what some epochs had, since they were trained before."""
        for _ in range(epochs):
            self._rng.permutation(self._examples)

    def example(self, epochs: int, steps: int) -> NDArray[np.int32]:
        """Positions in that shape that draw nothing."""
        one = np.arange(steps * self._batch, dtype=np.int32) % self._examples
        return np.broadcast_to(one.reshape(1, steps, self._batch), (epochs, steps, self._batch))


@dataclass
class Course:
    """How a training went.

    Args:
        spec: what was asked for.
        metric: what an epoch is scored by.
        status: ok, pruned or diverged.
        reason: why it did not end ok.
        loss, validation: by epoch.
        seconds: spent in epochs and in the answers that score them.
    """

    spec: TrialSpec
    metric: Metric
    status: Status = Status.OK
    reason: str | None = None
    loss: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def curve(self) -> Curve:
        """What was seen after each epoch."""
        return Curve(loss=tuple(self.loss), validation=tuple(self.validation))

    @property
    def score(self) -> float | None:
        """The validation metric after the last epoch, None where the training came to nothing."""
        finished = self.status in (Status.OK, Status.PRUNED) and self.validation
        return self.validation[-1] if finished else None

    @property
    def left(self) -> int:
        """Epochs that are still to be trained."""
        return 0 if self.status is not Status.OK else self.spec.epochs - len(self.loss)

    def take(self, losses: NDArray[np.float64], answers: Arrays, targets: Arrays) -> None:
        """Score what a chunk showed, up to the epoch at which the training must stop.

        Args:
            losses: shape (epochs,).
            answers: by target name, shape (epochs, examples, ...).
            targets: the truth, by target name.
        """
        for place, loss in enumerate(losses):
            self._score(
                float(loss), {name: given[place] for name, given in answers.items()}, targets
            )
            if self.status is not Status.OK:
                return

    def _score(self, loss: float, answers: Arrays, targets: Arrays) -> None:
        epoch = len(self.loss)
        if not np.isfinite(loss):
            self._stop(Status.DIVERGED, f"the training loss was {loss} in epoch {epoch + 1}")
            return
        score = float(self.metric.score(targets, answers)) if _finite(answers) else np.nan
        if not np.isfinite(score):
            reason = f"the predictions were not finite after epoch {epoch + 1}"
            self._stop(Status.DIVERGED, reason)
            return
        self.loss.append(loss)
        self.validation.append(score)
        bar = self.spec.prune_at[epoch] if epoch < len(self.spec.prune_at) else None
        if bar is not None and self.metric.better(bar, score) and epoch + 1 < self.spec.epochs:
            name = self.metric.name
            reason = f"{name} {score:.4g} fell behind {bar:.4g} at epoch {epoch + 1}"
            self._stop(Status.PRUNED, reason)

    def _stop(self, status: Status, reason: str) -> None:
        self.status, self.reason = status, reason


@dataclass(frozen=True)
class Watch:
    """The examples that score each epoch.

    Args:
        inputs: as the variant sees them.
        targets: the truth, by target name.
        inside: whether the program answers to them itself; otherwise `answer` is asked after each
            epoch.
        answer: inputs -> answers by target name, each of shape (examples, ...).
        bytes: what the answers of one epoch take.
    """

    inputs: Arrays
    targets: Arrays
    inside: bool
    answer: Callable[[Arrays], Arrays]
    bytes: int

    @property
    def most_epochs(self) -> int:
        """The most epochs that a chunk may have."""
        return max(1, WATCHED_BYTES // max(1, self.bytes)) if self.inside else 1

    def chunk(self, program: Program, orders: NDArray[np.int32]) -> Chunk:
        """Train for these epochs and answer after each."""
        return self.completed(program.train(orders, self.inputs if self.inside else None))

    def completed(self, chunk: Chunk) -> Chunk:
        """The chunk with the answers after its last epoch, where the program gave none itself."""
        if chunk.predictions is not None:
            return chunk
        answers = self.answer(self.inputs)
        return Chunk(chunk.losses, {name: value[None] for name, value in answers.items()})


def run(
    course: Course,
    program: Program,
    orders: Orders,
    watch: Watch,
    deadline: float,
    epoch_seconds: float | None,
    after: Callable[[Course], None] = lambda course: None,
) -> None:
    """Train until the course ends.

    Args:
        course: how far it came already; it is continued in place.
        program: started, or restored to where the course is.
        orders: the epochs that are still to come.
        watch: what scores them.
        deadline: `time.monotonic()` at which the trial must have ended.
        epoch_seconds: how long an epoch takes, where it is known.
        after: called after each chunk that another one follows.

    Raises:
        TimedOut: the deadline passed before the last epoch.
    """
    while course.left:
        epochs = chunk_epochs(program, watch, course.left, epoch_seconds)
        started = time.perf_counter()
        chunk = watch.chunk(program, orders.next(epochs))
        took = time.perf_counter() - started
        course.seconds += took
        epoch_seconds = took / epochs
        course.take(chunk.losses, chunk.predictions or {}, watch.targets)
        if course.left:
            after(course)
            if time.monotonic() > deadline:
                raise TimedOut(f"after {len(course.loss)} of {course.spec.epochs} epochs")


def chunk_epochs(program: Program, watch: Watch, left: int, epoch_seconds: float | None) -> int:
    """How many epochs the next chunk has: it changes no number, only how often one looks up.

    A program that is compiled for one number of epochs gets as many as fit into memory.
    """
    if program.fixed_chunk:
        return min(left, watch.most_epochs)
    if epoch_seconds is None:
        return 1
    return max(1, min(left, watch.most_epochs, int(CHUNK_SECONDS / max(epoch_seconds, 1e-6))))


def shapes(orders: Orders, train: Examples, validation: Arrays) -> tuple[int, ...]:
    """What of the data a compiled program may depend on."""
    return (*orders.shape, len(train), len(next(iter(validation.values()))))


def _finite(answers: Arrays) -> bool:
    return all(bool(np.isfinite(array).all()) for array in answers.values())
