"""The inline executor: trials in this process, one after another. The debugger's and the tests'."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

from service.contracts.data import Dataset
from service.contracts.pair import LocatedPair
from service.contracts.results import Outcome
from service.contracts.strategy import Timing
from service.contracts.trial import Runtime, TrialSpec
from service.training.runtime import check_installed
from service.training.worker import Worker


def check_backend(backend: str) -> None:
    """Raise `UserError` when this machine cannot train with the backend."""
    check_installed(backend)


class InlineExecutor:
    """Runs trials here; see `service.contracts.ports.Executor`.

    Args:
        pairs, datasets: by pair name.
        settings: backend and threads; a process keeps them for its life.
        timeout: seconds that a trial may take.
    """

    def __init__(
        self,
        pairs: Mapping[str, LocatedPair],
        datasets: Mapping[str, Dataset],
        settings: Runtime,
        timeout: float,
    ) -> None:
        self._worker = Worker(pairs, datasets, settings, timeout)
        self._queue: deque[TrialSpec] = deque()

    @property
    def slots(self) -> int:
        return 1

    def submit(self, batch: Sequence[TrialSpec]) -> None:
        self._queue.extend(batch)

    def collect(self) -> list[Outcome]:
        return [self._worker.run(self._queue.popleft())] if self._queue else []

    def measure(self, specs: Sequence[TrialSpec]) -> list[Timing]:
        return [self._worker.measure(spec) for spec in specs]

    def close(self) -> None:
        self._queue.clear()
