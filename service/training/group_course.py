"""The course of trainings that run together; who must stop leaves, and the others close up."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.contracts.data import Arrays
from service.training.cache import Ready
from service.training.course import CHUNK_SECONDS, Course, Orders, TimedOut, Watch, shapes
from service.training.program import Chunk
from service.training.vmap_program import Batch, Member, VmapProgram


@dataclass
class Run:
    """One training of a group.

    Args:
        course: how it goes.
        orders: the epochs that are still to come.
        watch: what scores them.
        member: its place in the program.
        ready: the program.
        error: what it failed with, None while it has not.
    """

    course: Course
    orders: Orders
    watch: Watch
    member: Member
    ready: Ready
    error: Exception | None = None

    @property
    def shapes(self) -> tuple[int, ...]:
        """What of the data a compiled program depends on."""
        return shapes(self.orders, self.member.train, self.watch.inputs)

    @property
    def going(self) -> bool:
        """Whether it has epochs left to train."""
        return self.error is None and self.course.left > 0


def prepare(runs: Sequence[Run]) -> bool:
    """Compile what these runs need; returns whether anything was new."""
    found = [
        run.ready.program.batch([run.member]).prepare(run.orders.shape[1])
        for run in runs
        if run.ready.first(run.shapes)
    ]
    return bool(found)


def run(runs: Sequence[Run], deadline: float) -> None:
    """Train until all courses have ended; what goes wrong in one becomes its error.

    Args:
        runs: at their beginning, prepared, of equally many epochs; any number.
        deadline: `time.monotonic()` at which all must have ended.

    Those train together that have the same program and data of the same sizes, and where data is
    too large to be stacked, those of one split.
    """
    alike: dict[tuple[int, ...], list[Run]] = {}
    for one in runs:
        split = one.course.spec.seeds.split if one.ready.program.shares(one.member.train) else 0
        alike.setdefault((id(one.ready), *one.shapes, split), []).append(one)
    for part in alike.values():
        _run(part, part[0].ready, deadline)


def _run(runs: Sequence[Run], ready: Ready, deadline: float) -> None:
    program: VmapProgram = ready.program
    batches = [_Together(program, part) for part in _cut(runs, program.width)]
    while batches:
        epochs = _epochs(batches[0].runs[0], program.width, ready)
        for batch in batches:
            batch.train(epochs, ready)
        batches = _closed_up(batches, program)
        if time.monotonic() > deadline:
            for late in (run for batch in batches for run in batch.runs):
                course = late.course
                late.error = TimedOut(f"after {len(course.loss)} of {course.spec.epochs} epochs")
            return


class Timed:
    """A full batch of trainings like one, as a program of which epochs are timed.

    Raises:
        ValueError: its answers come one training after another; together it would save little.
    """

    def __init__(self, run: Run) -> None:
        if not run.watch.inside:
            raise ValueError("the answers that score an epoch cannot be vectorised")
        self._batch: Batch = run.ready.program.batch([run.member])

    def train(self, orders: NDArray[np.int32], watched: Arrays | None) -> Chunk:
        """As `service.training.program.Program.train`."""
        return self._batch.train([orders])[0]


class _Together:
    """Runs whose members train in one call."""

    def __init__(self, program: VmapProgram, runs: Sequence[Run]) -> None:
        self.runs = list(runs)
        self._batch = program.batch([run.member for run in runs])

    def train(self, epochs: int, ready: Ready) -> None:
        """Train and score these epochs."""
        started = time.perf_counter()
        chunks = self._batch.train([run.orders.next(epochs) for run in self.runs])
        took = time.perf_counter() - started
        ready.epoch_seconds = took / epochs
        for run, chunk in zip(self.runs, chunks, strict=True):
            run.course.seconds += took / len(self.runs)
            try:
                shown = run.watch.completed(chunk)
                run.course.take(shown.losses, shown.predictions or {}, run.watch.targets)
            except Exception as error:
                run.error = error


def _closed_up(batches: list[_Together], program: VmapProgram) -> list[_Together]:
    """The batches without those that have ended, moved together where that saves a call.

    An empty slot costs as much as a full one: moving fewer would save nothing.
    """
    left = [[run for run in batch.runs if run.going] for batch in batches]
    parts = [part for part in left if part]
    everyone = [run for part in parts for run in part]
    closed = _cut(everyone, program.width)
    if len(closed) < len(parts):
        return [_Together(program, part) for part in closed]
    return [
        batch if len(part) == len(batch.runs) else _Together(program, part)
        for batch, part in zip(batches, left, strict=True)
        if part
    ]


def _cut(runs: Sequence[Run], width: int) -> list[Sequence[Run]]:
    return [runs[start : start + width] for start in range(0, len(runs), width)]


def _epochs(run: Run, width: int, ready: Ready) -> int:
    """How many epochs the next chunk has: it changes no number, only how often one looks up."""
    if ready.epoch_seconds is None:
        return 1
    most = max(1, run.watch.most_epochs // width) if run.watch.inside else 1
    wanted = int(CHUNK_SECONDS / max(ready.epoch_seconds, 1e-6))
    return max(1, min(run.course.left, most, wanted))
