"""One training, from a spec to its numbers, on a worker that is ready."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.contracts.data import Arrays, Examples
from service.contracts.pair import CONTROL, Hyperparameters, Pair, Scalar
from service.contracts.strategy import INPUTS_OF_A_PROGRAM, Timing, width
from service.contracts.trial import TrialSpec, content_hash
from service.training import control, course, group_course, matching, stopwatch, strategies
from service.training.anatomy import parameters
from service.training.cache import ProgramCache, Ready
from service.training.checkpoint import Keeping
from service.training.course import Course, Orders, Watch
from service.training.group_course import Run
from service.training.initial import Blueprint, unfilled
from service.training.material import Material
from service.training.packing import viewed
from service.training.program import Objective, Program, Trained

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
    """Trains specs of one pair, keeping solved sizes and compiled programs.

    Args:
        pair: what is trained.
        programs: the worker's cache, shared by all its pairs.
    """

    def __init__(self, pair: Pair, programs: ProgramCache) -> None:
        self.pair = pair
        self._programs = programs
        self._sizes: dict[str, int] = {}
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
        hyperparameters = self._resolved(spec)
        train, validation = self._seen(spec, material)
        orders = Orders(spec.seeds.order, len(train), int(hyperparameters["batch_size"]))
        ready = self._get(spec, hyperparameters, train)
        program = ready.program
        state = ready.blueprint.state(spec.seeds.weights)
        rate = float(hyperparameters["learning_rate"])
        watch = self._watch(spec, ready, validation, material.validation.targets, program)
        program.start(state, rate, train)
        new = ready.first(course.shapes(orders, train, validation))
        if new:
            with self._programs.weighing(ready):
                self._compile(program, orders, watch, spec.epochs)
            program.start(state, rate, train)
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
        with self._programs.weighing(runs[0].ready) if runs else nullcontext():
            new = group_course.prepare(runs)
        took = (time.perf_counter() - started) / len(specs)
        group_course.run(runs, deadline)
        return [
            run
            if isinstance(run, Exception)
            else run.error
            or Training(run.member, run.course, self._resolved(run.course.spec), not new, took)
            for run in entered
        ]

    def _entered(self, spec: TrialSpec, material: Callable[[int], Material]) -> Run | Exception:
        """This spec as a part of a group, at its beginning, or why it cannot be one."""
        try:
            hyperparameters = self._resolved(spec)
            data = material(spec.seeds.split)
            train, validation = self._seen(spec, data)
            ready = self._get(spec, hyperparameters, train)
            state = ready.blueprint.state(spec.seeds.weights)
            rate = float(hyperparameters["learning_rate"])
            plain = self.pair.variant(spec.variant).answer is None
            member = ready.program.member(state, rate, train, validation if plain else None)
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

    def _get(self, spec: TrialSpec, hyperparameters: Hyperparameters, train: Examples) -> Ready:
        """The program for this spec; it takes any learning rate, batch size and number of examples."""
        model = _of_the_model(hyperparameters)
        key = content_hash([spec.pair, spec.code, spec.variant, spec.strategy, model])
        ready, _ = self._programs.get(key, lambda: self._ready(spec, hyperparameters, train))
        return ready

    def _ready(self, spec: TrialSpec, hyperparameters: Hyperparameters, train: Examples) -> Ready:
        build = self.pair.variant(spec.variant).build

        blueprint = Blueprint(
            lambda: build(_of_the_model(hyperparameters)),
            control.rebuild if spec.variant == CONTROL else lambda model: model,
        )
        weights = self.pair.loss_weights
        objective = Objective(
            loss=self.pair.loss,
            targets=tuple(sorted(train.targets)),
            weights=None if weights is None else weights(_of_the_model(hyperparameters)),
        )
        return Ready(strategies.program(spec.strategy, blueprint.model, objective), blueprint)

    def _compile(self, program: Program, orders: Orders, watch: Watch, epochs: int) -> None:
        """Tracing is not training: run everything once, in the shapes that will come."""
        steps = orders.shape[0] if program.fixed_chunk else 1
        epochs = course.chunk_epochs(program, watch, epochs, None)
        watch.chunk(program, orders.example(epochs, steps))
        program.predict({name: array[:1] for name, array in watch.inputs.items()})

    def _resolved(self, spec: TrialSpec) -> dict[str, Scalar]:
        """The spec's hyperparameters with the size solved where it is matched."""
        given = dict(spec.hyperparameters)
        capacity = self.pair.capacity
        if spec.budget is None or capacity is None:
            return given
        shape = _of_the_model(given)
        key = content_hash([self.pair.variant(spec.variant).name, spec.budget, shape])
        if key not in self._sizes:
            build = self.pair.variant(spec.variant).build

            def count(size: int) -> int:
                with unfilled():
                    return parameters(build({**shape, capacity.name: size}))

            self._sizes[key] = matching.solve(
                count, spec.budget, low=capacity.low, high=capacity.high
            )
        return {**given, capacity.name: self._sizes[key]}


def _of_the_model(hyperparameters: Hyperparameters) -> dict[str, Scalar]:
    """What a builder gets: without what a program takes as inputs, since it is built only once."""
    return {k: v for k, v in hyperparameters.items() if k not in INPUTS_OF_A_PROGRAM}


def _outputs(model: Any) -> list[tuple[int | None, ...]]:
    return [tuple(output.shape[1:]) for output in model.outputs]


def _values(shape: tuple[int | None, ...]) -> int:
    return int(np.prod([size or 1 for size in shape], dtype=np.int64))
