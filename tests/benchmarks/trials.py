"""Trials as a campaign makes them, and a worker that runs them, for the cases that need no process."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from service.app import planning
from service.campaign.study import Study
from service.contracts.pair import Hyperparameters, Pair
from service.contracts.results import TrialResult
from service.contracts.strategy import OF_BACKEND
from service.contracts.trial import TrialSpec
from service.training.material import Material, Materials
from service.training.worker import Worker
from tests.benchmarks.case import ROOT

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


class Bench:
    """One pair, planned from its shipped config, with its data.

    Args:
        pair: its name; the config is `configs/<pair>.yaml`.
        epochs: per trial.
        overrides: of the config.
    """

    def __init__(self, pair: str, epochs: int, overrides: Sequence[str] = ()) -> None:
        planned = planning.load(
            ROOT / f"configs/{pair}.yaml", [f"search.epochs={epochs}", *overrides]
        )
        self.datasets = planning.datasets(planned)
        self.planned = planning.with_data(planned, self.datasets)
        self.plan = self.planned.plan
        self.epochs = epochs
        self._planned = self.plan.pair(pair)

    @property
    def pair(self) -> Pair:
        """The pair itself."""
        return self.planned.pairs[self._planned.name].pair

    @cached_property
    def worker(self) -> Worker:
        """A worker of this process."""
        return Worker(self.planned.pairs, self.datasets, self.plan.runtime, timeout=3600)

    def specs(self, variant: str, given: Hyperparameters, count: int) -> list[TrialSpec]:
        """The first trials of a search, all with the same hyperparameters and seeds of their own."""

        def propose(*_: Any, count: int, **__: Any) -> list[Hyperparameters]:
            return [given] * count

        search = self.plan.search.model_copy(update={"trials": count, "batch": count})
        plan = self.plan.model_copy(update={"search": search})
        return Study(plan, self._planned, 0, variant, propose).start()

    def material(self) -> Material:
        """The data of one split."""
        return Materials(self.pair, self.datasets[self.pair.name]).get(seed=1)

    def forget_programs(self) -> None:
        """Let the worker go, and what it compiled with it; the next trial gets a new one."""
        self.__dict__.pop("worker", None)

    def quickest(self, spec: TrialSpec) -> str:
        """The strategy that trains this spec soonest once it is warm."""
        seconds = {}
        for strategy in OF_BACKEND[self.plan.backend]:
            one = spec.model_copy(update={"strategy": strategy})
            if self.worker.run(one).result.ok:
                seconds[strategy] = self.seconds(one)
        return min(seconds, key=lambda name: seconds[name])

    def run(self, spec: TrialSpec) -> TrialResult:
        """Run a trial here; one that does not end ok is no measurement."""
        result = self.worker.run(spec).result
        if not result.ok:
            raise RuntimeError(f"a trial ended as {result.status}: {result.reason}")
        return result

    def seconds(self, spec: TrialSpec) -> float:
        """Run a trial here; the seconds it took."""
        started = time.perf_counter()
        self.run(spec)
        return time.perf_counter() - started

    def together(self, specs: Sequence[TrialSpec]) -> float:
        """Run trials that may train at once; the seconds it took."""
        started = time.perf_counter()
        for outcome in self.worker.run_group(specs, [1] * len(specs)):
            if not outcome.result.ok:
                raise RuntimeError(f"a trial ended as {outcome.result.status}")
        return time.perf_counter() - started
