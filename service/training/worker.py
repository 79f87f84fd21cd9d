"""Runs trials: the same code in this process, in a Ray actor, on a laptop and on a cluster."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from service.contracts.data import Dataset
from service.contracts.errors import ArchduelError
from service.contracts.pair import LocatedPair
from service.contracts.ports import Checkpoints
from service.contracts.results import Cost, Outcome, TrialResult
from service.contracts.strategy import Timing, width
from service.contracts.trial import Runtime, Stage, Status, TrialSpec, group_key
from service.training import anatomy, examination, memory, runtime
from service.training.checkpoint import Keeping
from service.training.failures import classified
from service.training.material import Material, Materials
from service.training.repertoire import Repertoire
from service.training.trainer import Trainer, Training

Told = tuple[dict[str, Any], dict[str, Any], bytes | None]
"""The fields of a result, of its costs, and a model worth keeping."""


class Worker:
    """A process that is ready to train: backend loaded, data at hand, programs compiled.

    Args:
        pairs: by name, what may be trained.
        datasets: by pair name.
        settings: backend, threads and GPUs; fixed for the life of the process.
        timeout: seconds that a trial may take; checked after each epoch.
        checkpoints: where long trials leave theirs; None keeps none.
        repertoire: what this process has learnt to train before, and learns now; None for nothing.
    """

    def __init__(
        self,
        pairs: Mapping[str, LocatedPair],
        datasets: Mapping[str, Dataset],
        settings: Runtime,
        timeout: float,
        checkpoints: Checkpoints | None = None,
        repertoire: Repertoire | None = None,
    ) -> None:
        runtime.prepare(settings)
        self._checkpoints = checkpoints
        self._pairs = pairs
        self._timeout = timeout
        self._settings = settings
        self._materials = {
            name: Materials(pairs[name].pair, data) for name, data in datasets.items()
        }
        self._fingerprints = {name: data.fingerprint for name, data in datasets.items()}
        learnt = repertoire or Repertoire()
        self._trainers = {
            name: Trainer(located.pair, learnt.models(located, self._fingerprints[name]))
            for name, located in pairs.items()
        }

    def run(self, spec: TrialSpec, attempt: int = 1, *, resume: bool = False) -> Outcome:
        """Run one trial; whatever goes wrong in it becomes its status and reason.

        Args:
            spec: the trial.
            attempt: which try this is, from 1.
            resume: whether it may have left a checkpoint. What is trained as one of a group leaves
                none.

        Raises:
            ArchduelError: this worker has other code, data or settings than the spec asks for.
        """
        if width(spec.strategy) > 1:
            return self.run_group([spec], [attempt])[0]
        self._check(spec)
        started = time.perf_counter()
        memory.reset_peak()
        keeping = Keeping(self._checkpoints, spec, resume)
        outcome = self._outcome(spec, attempt, started, lambda: self._train(spec, keeping))
        return replace(outcome, note=keeping.trouble)

    def run_group(self, specs: Sequence[TrialSpec], attempts: Sequence[int]) -> list[Outcome]:
        """Run trials of one `group_key`; they may take as long as one after another.

        Args:
            specs: any number of them; their strategy's width of them train at once.
            attempts: which try each of them is, in the same order.

        Returns:
            Their outcomes in the same order, the costs shared equally among those that trained
            together. One trial's failure takes no other with it.

        Raises:
            ArchduelError: this worker has other code, data or settings than a spec asks for.
            ValueError: they have not all the same `group_key`.
        """
        if width(specs[0].strategy) == 1:
            return [self.run(spec, attempt) for spec, attempt in zip(specs, attempts, strict=True)]
        if len({group_key(spec) for spec in specs}) > 1:
            raise ValueError("trials that train together must have the same group_key")
        for spec in specs:
            self._check(spec)
        started = time.perf_counter()
        memory.reset_peak()
        materials: dict[int, Material] = {}

        def material(split: int) -> Material:
            if split not in materials:
                materials[split] = self._materials[specs[0].pair].get(split)
            return materials[split]

        trainings = self._train_group(specs, material)
        share = (time.perf_counter() - started) / len(specs)

        def told(spec: TrialSpec, training: Training | Exception) -> Told:
            if isinstance(training, Exception):
                raise training
            return self._told(spec, training, material(spec.seeds.split))

        return [
            self._outcome(spec, attempt, time.perf_counter() - share, partial(told, spec, training))
            for spec, attempt, training in zip(specs, attempts, trainings, strict=True)
        ]

    def _outcome(
        self, spec: TrialSpec, attempt: int, started: float, trained: Callable[[], Told]
    ) -> Outcome:
        """What came of a trial; whatever goes wrong in it becomes its status and reason."""
        try:
            fields, cost, model = trained()
        except Exception as error:
            status, reason = classified(error, self._pairs[spec.pair])
            fields, cost, model = {"status": status, "reason": reason}, {}, None
        return Outcome(
            TrialResult(
                spec=spec,
                finished_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
                cost=Cost(
                    total_seconds=time.perf_counter() - started,
                    peak_memory_bytes=memory.peak_bytes(),
                    worker=f"{socket.gethostname()}:{os.getpid()}",
                    attempt=attempt,
                    **cost,
                ),
                **fields,
            ),
            model,
        )

    def measure(self, spec: TrialSpec) -> Timing:
        """Time a training like this one without doing it; what goes wrong is told in the timing.

        Raises:
            ArchduelError: as `run`.
        """
        self._check(spec)
        try:
            material = self._materials[spec.pair].get(spec.seeds.split)
            return self._trainers[spec.pair].measure(spec, material)
        except Exception as error:
            _, reason = classified(error, self._pairs[spec.pair])
            return Timing(variant=spec.variant, strategy=spec.strategy, error=reason)

    def _check(self, spec: TrialSpec) -> None:
        for what, asked, here in (
            ("code", spec.code, self._pairs[spec.pair].code),
            ("data", spec.data, self._fingerprints[spec.pair]),
            ("runtime", spec.runtime, self._settings),
        ):
            if asked != here:
                raise ArchduelError(
                    f"pair '{spec.pair}': this worker's {what} is {here}, the plan's is {asked}; "
                    "worker and driver must have the same version installed"
                )

    def _train(self, spec: TrialSpec, keeping: Keeping) -> Told:
        deadline = time.monotonic() + self._timeout
        material = self._materials[spec.pair].get(spec.seeds.split)
        training = self._trainers[spec.pair].train(spec, material, deadline, keeping)
        fields, cost, model = self._told(spec, training, material)
        return fields, {**cost, "resumed_epochs": keeping.resumed}, model

    def _train_group(
        self, specs: Sequence[TrialSpec], material: Callable[[int], Material]
    ) -> list[Training | Exception]:
        deadline = time.monotonic() + self._timeout * len(specs)
        try:
            return self._trainers[specs[0].pair].train_group(specs, material, deadline)
        except Exception as error:
            return [error for _ in specs]

    def _told(self, spec: TrialSpec, training: Training, material: Material) -> Told:
        """What a training came to."""
        model, course = training.program.architecture, training.course
        fields: dict[str, Any] = {
            "status": course.status,
            "reason": course.reason,
            "score": course.score,
            "curve": course.curve,
            "epochs": len(course.loss),
            "hyperparameters": training.hyperparameters,
            "parameters": anatomy.parameters(model),
            "flops": anatomy.flops(model),
            # Of one that stopped early the weights are those after its chunk: they mean nothing.
            "weights_digest": anatomy.digest(training.program.weights())
            if course.status is Status.OK
            else None,
            "examples": material.counts,
        }
        cost: dict[str, Any] = {
            "train_seconds": course.seconds,
            "compile_seconds": training.compile_seconds,
            "reused_program": training.reused,
        }
        if spec.stage is Stage.SEARCH or course.status is not Status.OK:
            return fields, cost, None
        found = examination.examine(self._trainers[spec.pair], spec, training, material)
        cost["latency_seconds"] = found.latency_seconds
        return {**fields, **found.fields}, cost, found.model
