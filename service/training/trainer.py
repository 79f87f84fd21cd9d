"""One training, from a spec to its numbers, on a worker that is ready."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.contracts.data import Arrays, Examples
from service.contracts.pair import Pair, Scalar
from service.contracts.strategy import Timing, width
from service.contracts.trial import TrialSpec
from service.training import course, group_course, stopwatch
from service.training.cache import Ready
from service.training.checkpoint import Keeping
from service.training.course import Course, Orders, Watch
from service.training.group_course import Run
from service.training.material import Material
from service.training.models import Models
from service.training.packing import viewed
from service.training.program import Program, Trained

VIEWS = 8
"""Splits as a variant sees them that are kept: trials of a repetition come together."""


@dataclass
class Training:
    """What a training left behind.

    Args:
        program: the program, holding the final weights.
        course: how it went.
        hyperparameters: all the builder got.
        reused: whether the program was compiled before.
        compile_seconds: preparing: sizes, initial state and, where it was not there, the program.
    """

    program: Trained
    course: Course
    hyperparameters: dict[str, Scalar]
    reused: bool
    compile_seconds: float


@dataclass
class _Begun:
    ready: Ready
    reused: bool
    hyperparameters: dict[str, Scalar]
    orders: Orders
    watch: Watch


class Trainer:
    """Trains specs of one pair.

    Args:
        pair: what is trained.
        models: its models, with their compiled programs.
    """

    def __init__(self, pair: Pair, models: Models) -> None:
        self.pair = pair
        self._models = models
        self._views: OrderedDict[tuple[int, str], tuple[Examples, Arrays]] = OrderedDict()

    def train(
        self, spec: TrialSpec, material: Material, deadline: float, keeping: Keeping
    ) -> Training:
        """Train as the spec says.

        Args:
            spec: what to train.
            material: the data of the spec's split.
            deadline: `time.monotonic()` at which the trial must have ended; what it had trained
                before its checkpoint counts, too.
            keeping: its checkpoints.

        Raises:
            TimedOut: the deadline passed.
        """
        started = time.perf_counter()
        begun = self._begin(spec, material)
        training = Training(
            begun.ready.program,
            Course(spec, self.pair.metric),
            begun.hyperparameters,
            begun.reused,
            time.perf_counter() - started,
        )
        ready, watch = begun.ready, begun.watch
        keeping.resume(training.course, ready.program, begun.orders)
        course.run(
            training.course,
            ready.program,
            begun.orders,
            watch,
            deadline - training.course.seconds,
            ready.epoch_seconds,
            lambda so_far: keeping.after(so_far, ready.program),
        )
        ready.program.release()
        ready.epoch_seconds = training.course.seconds / max(1, len(training.course.loss))
        return training

    def measure(self, spec: TrialSpec, material: Material) -> Timing:
        """How long a training like this takes; the program is left to the trials that want it."""
        started = time.perf_counter()
        program: Any
        if width(spec.strategy) == 1:
            begun = self._begin(spec, material)
            program, orders, watch = begun.ready.program, begun.orders, begun.watch
        else:
            run = self._entered(spec, lambda _: material)
            if isinstance(run, Exception):
                raise run
            group_course.prepare([run])
            program, orders, watch = group_course.Timed(run), run.orders, run.watch
        prepared = time.perf_counter() - started
        return Timing(
            variant=spec.variant,
            strategy=spec.strategy,
            compile_seconds=prepared,
            epoch_seconds=stopwatch.epoch(program, orders, watch) / width(spec.strategy),
        )

    def _begin(self, spec: TrialSpec, material: Material) -> _Begun:
        """The program, compiled and at the start of this spec's training."""
        hyperparameters = self._models.resolved(spec)
        train, validation = self._seen(spec, material)
        orders = Orders(spec.seeds.order, len(train), int(hyperparameters["batch_size"]))
        start = self._models.start(spec, hyperparameters, train)
        ready, program = start.ready, start.ready.program
        watch = self._watch(spec, ready, validation, material.validation.targets, program)
        program.start(start.state, start.rates, train)
        new = ready.first(course.shapes(orders, train, validation))
        if new:
            with self._models.programs.weighing(ready):
                self._compile(program, orders, watch, spec.epochs)
            program.start(start.state, start.rates, train)
        return _Begun(ready, not new, hyperparameters, orders, watch)

    def train_group(
        self, specs: Sequence[TrialSpec], material: Callable[[int], Material], deadline: float
    ) -> list[Training | Exception]:
        """Train specs of one `group_key` together, as many at once as their strategy says.

        Args:
            specs: what to train.
            material: the data of a split, by its seed.
            deadline: `time.monotonic()` at which all must have ended.

        Returns:
            For each spec its training, or what it failed with; seconds are shared equally.
        """
        started = time.perf_counter()
        entered = [self._entered(spec, material) for spec in specs]
        runs = [run for run in entered if isinstance(run, Run)]
        new = False
        for ready in {id(run.ready): run.ready for run in runs}.values():
            with self._models.programs.weighing(ready):
                new |= group_course.prepare([run for run in runs if run.ready is ready])
        took = (time.perf_counter() - started) / len(specs)
        group_course.run(runs, deadline)
        return [
            run
            if isinstance(run, Exception)
            else run.error
            or Training(
                run.member, run.course, self._models.resolved(run.course.spec), not new, took
            )
            for run in entered
        ]

    def _entered(self, spec: TrialSpec, material: Callable[[int], Material]) -> Run | Exception:
        """This spec as a part of a group, at its beginning, or why it cannot be one."""
        try:
            hyperparameters = self._models.resolved(spec)
            data = material(spec.seeds.split)
            train, validation = self._seen(spec, data)
            start = self._models.start(spec, hyperparameters, train)
            ready = start.ready
            plain = self.pair.variant(spec.variant).answer is None
            watched = validation if plain else None
            member = ready.program.member(start.state, start.rates, train, watched)
            return Run(
                Course(spec, self.pair.metric),
                Orders(spec.seeds.order, len(train), int(hyperparameters["batch_size"])),
                self._watch(spec, ready, validation, data.validation.targets, member),
                member,
                ready,
            )
        except Exception as error:
            return error

    def answers(self, spec: TrialSpec, program: Trained, inputs: Arrays) -> Arrays:
        """What the variant answers to these inputs, by target name."""
        answer = self.pair.variant(spec.variant).answer
        return program.predict(inputs) if answer is None else answer(program.predict, inputs)

    def _seen(self, spec: TrialSpec, material: Material) -> tuple[Examples, Arrays]:
        """Training examples and validation inputs as the variant sees them, the same objects again."""
        view = self.pair.variant(spec.variant).view
        key = (spec.seeds.split, self.pair.variant(spec.variant).name)
        if key not in self._views:
            train = material.train
            self._views[key] = (
                train if view is None else Examples(viewed(train.inputs, view), train.targets),
                viewed(material.validation.inputs, view),
            )
            if len(self._views) > VIEWS:
                self._views.popitem(last=False)
        self._views.move_to_end(key)
        return self._views[key]

    def _watch(
        self,
        spec: TrialSpec,
        ready: Ready,
        validation: Arrays,
        targets: Arrays,
        program: Trained,
    ) -> Watch:
        examples = len(next(iter(validation.values())))
        plain = self.pair.variant(spec.variant).answer is None
        return Watch(
            inputs=validation,
            targets=targets,
            inside=plain and examples <= ready.program.most_watched,
            answer=lambda inputs: self.answers(spec, program, inputs),
            bytes=4 * examples * sum(_values(shape) for shape in _outputs(ready.blueprint.model)),
        )

    def _compile(self, program: Program, orders: Orders, watch: Watch, epochs: int) -> None:
        """Tracing is not training: run everything once, in the shapes that will come."""
        steps = orders.shape[0] if program.fixed_chunk else 1
        epochs = course.chunk_epochs(program, watch, epochs, None)
        watch.chunk(program, orders.example(epochs, steps))
        program.predict({name: array[:1] for name, array in watch.inputs.items()})


def _outputs(model: Any) -> list[tuple[int | None, ...]]:
    return [tuple(output.shape[1:]) for output in model.outputs]


def _values(shape: tuple[int | None, ...]) -> int:
    return int(np.prod([size or 1 for size in shape], dtype=np.int64))
