"""The inline executor: trials in this process, one after another. The debugger's and the tests'."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from service.contracts.data import Dataset
from service.contracts.pair import LocatedPair
from service.contracts.results import Outcome
from service.contracts.strategy import Timing
from service.contracts.trial import Runtime, TrialSpec
from service.execution.checkpoints import Shelf, Store
from service.execution.estimates import Estimates
from service.execution.schedule import Parcel, Schedule, Task
from service.training.runtime import check_installed
from service.training.worker import Worker

_HERE = "this process"


def check_backend(backend: str) -> None:
    """Raise `UserError` when this machine cannot train with the backend."""
    check_installed(backend)


class InlineExecutor:
    """Runs trials here; see `service.contracts.ports.Executor`.

    Args:
        pairs, datasets: by pair name.
        settings: backend and threads; a process keeps them for its life.
        timeout: seconds that a trial may take.
        checkpoints: where long trials leave theirs; None keeps none.
        say: hears when one could not be kept.
    """

    def __init__(
        self,
        pairs: Mapping[str, LocatedPair],
        datasets: Mapping[str, Dataset],
        settings: Runtime,
        timeout: float,
        checkpoints: Store | None = None,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._worker = Worker(pairs, datasets, settings, timeout, checkpoints)
        self._shelf = Shelf(checkpoints, say)
        self._estimates = Estimates(examples={name: len(data) for name, data in datasets.items()})
        self._schedule = Schedule(self._estimates, slots=1)
        self._schedule.join(_HERE)
        self._parcels: deque[Parcel] = deque()

    @property
    def slots(self) -> int:
        return 1

    def submit(self, batch: Sequence[TrialSpec]) -> None:
        self._schedule.submit(Task(spec) for spec in batch)

    def collect(self) -> list[Outcome]:
        self._shelf.recorded()
        if not self._parcels:
            self._parcels.extend(self._schedule.share(_HERE))
        if not self._parcels:
            return []
        specs = [task.spec for task in self._parcels.popleft()]
        if len(specs) == 1:
            left = self._shelf.may_have(specs[0].id, attempt=1)
            outcomes = [self._worker.run(specs[0], resume=left)]
        else:
            outcomes = self._worker.run_group(specs, [1] * len(specs))
        self._schedule.ended(_HERE)
        for outcome in outcomes:
            self._estimates.learn(outcome.result)
        self._shelf.returned(outcomes)
        return outcomes

    def measure(self, specs: Sequence[TrialSpec]) -> list[Timing]:
        timings = [self._worker.measure(spec) for spec in specs]
        for spec, timing in zip(specs, timings, strict=True):
            self._estimates.calibrate(spec.pair, timing)
        return timings

    def close(self) -> None:
        self._schedule.clear()
        self._parcels.clear()
