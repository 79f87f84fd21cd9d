"""The actor that keeps a worker warm: it imports once, and holds data and compiled programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service.contracts.ports import Checkpoints
from service.contracts.results import Outcome
from service.contracts.strategy import Timing
from service.contracts.trial import Runtime, TrialSpec

RECYCLE_GROWTH_BYTES = 2 * 1024**3
"""A worker that has grown by this much since it was ready is replaced, and not lent again."""


@dataclass(frozen=True)
class Arrival:
    """A worker that is ready.

    Args:
        bytes: resident in its process once everything is loaded.
        node: Ray's id of the node that it is on.
    """

    bytes: int
    node: str


class WarmWorker:
    """One Ray actor. Its calls run one after another, in the order in which they were sent.

    Args:
        settings: backend, threads and GPUs; the backend is loaded at once.
    """

    _worker: Any = None
    _repertoire: Any = None

    def __init__(self, settings: Runtime) -> None:
        from service.training import runtime

        runtime.prepare(settings)
        self._settings = settings

    def equip(
        self,
        pairs: dict[str, tuple[str, str | None]],
        datasets: dict[str, Any],
        timeout: float,
        checkpoints: Checkpoints | None,
    ) -> Arrival:
        """Take what is to be trained on; the first call.

        Args:
            pairs: pair name -> (reference, text of its file or None).
            datasets: pair name -> data set. Ray hands large arrays over without copying.
            timeout: seconds that a trial may take.
            checkpoints: where long trials leave theirs.
        """
        import ray

        from service import catalog
        from service.training.memory import resident_bytes
        from service.training.repertoire import Repertoire
        from service.training.worker import Worker

        located = {name: _located(catalog, *ticket) for name, ticket in pairs.items()}
        here = {name: ray.get(reference) for name, reference in datasets.items()}
        self._repertoire = self._repertoire or Repertoire()
        self._worker = Worker(located, here, self._settings, timeout, checkpoints, self._repertoire)
        return Arrival(resident_bytes(), ray.get_runtime_context().get_node_id())

    def measure(self, spec: TrialSpec) -> Timing:
        """Time a training like this one."""
        timing: Timing = self._worker.measure(spec)
        return timing

    def run(
        self, specs: list[TrialSpec], attempts: list[int], resume: bool
    ) -> tuple[list[Outcome], int]:
        """Run one trial, or some of one `group_key` together.

        Args:
            specs, attempts: the trials, and which try of each this is.
            resume: whether there may be a checkpoint of the one.

        Returns:
            Their outcomes in the same order, and the process's resident bytes after them.
        """
        from service.training.memory import resident_bytes

        if len(specs) == 1:
            outcome = self._worker.run(specs[0], attempts[0], resume=resume)
            return [outcome], resident_bytes()
        return self._worker.run_group(specs, attempts), resident_bytes()


def _located(catalog: Any, reference: str, text: str | None) -> Any:
    return catalog.locate(reference) if text is None else catalog.from_text(text, reference)
