"""The actor that keeps a worker warm: it imports once, and holds data and compiled programs."""

from __future__ import annotations

from typing import Any

from service.contracts.results import Outcome
from service.contracts.strategy import Timing
from service.contracts.trial import Runtime, TrialSpec


class WarmWorker:
    """One Ray actor. Its calls run one after another, in the order in which they were sent.

    Args:
        pairs: pair name -> (reference, text of its file or None).
        datasets: pair name -> data set. Ray hands large arrays over without copying.
        settings: backend, threads and GPUs.
        timeout: seconds that a trial may take.
    """

    def __init__(
        self,
        pairs: dict[str, tuple[str, str | None]],
        datasets: dict[str, Any],
        settings: Runtime,
        timeout: float,
    ) -> None:
        import ray

        from service import catalog
        from service.training.worker import Worker

        located = {name: _located(catalog, *ticket) for name, ticket in pairs.items()}
        here = {name: ray.get(reference) for name, reference in datasets.items()}
        self._worker = Worker(located, here, settings, timeout)

    def ready(self) -> int:
        """Resident bytes of the process once everything is loaded."""
        from service.training.memory import resident_bytes

        return resident_bytes()

    def measure(self, spec: TrialSpec) -> Timing:
        """Time a training like this one."""
        return self._worker.measure(spec)

    def run(self, spec: TrialSpec, attempt: int) -> tuple[Outcome, int]:
        """Run one trial; returns its outcome and the process's resident bytes after it."""
        from service.training.memory import resident_bytes

        return self._worker.run(spec, attempt), resident_bytes()


def _located(catalog: Any, reference: str, text: str | None) -> Any:
    return catalog.locate(reference) if text is None else catalog.from_text(text, reference)
