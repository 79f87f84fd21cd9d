"""Checkpoints of workers that do not see the driver's disk: an actor beside the driver keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.execution.checkpoints import CHECKPOINT_SECONDS, Folder

ANSWER_SECONDS = 120.0
"""How long a worker waits for the keeper; longer means that there is no checkpoint."""


class Keeper:
    """An actor that takes no CPU, on the driver's node."""

    def __init__(self, path: Path) -> None:
        self._folder = Folder(path)

    def load(self, trial: str) -> bytes | None:
        """As `Folder.load`."""
        return self._folder.load(trial)

    def save(self, trial: str, content: bytes) -> str | None:
        """As `Folder.save`, but returns why it failed."""
        try:
            self._folder.save(trial, content)
        except OSError as error:
            return error.strerror or str(error)
        return None

    def drop(self, trials: list[str]) -> None:
        """As `Folder.drop`."""
        self._folder.drop(trials)

    def known(self) -> set[str]:
        """As `Folder.known`."""
        return self._folder.known()


@dataclass(frozen=True)
class Kept:
    """The keeper as workers and driver see it; implements `service.contracts.ports.Checkpoints`.

    With a driver that is a client (`ray://`) its node is the one that it is connected to, and the
    folder is on that node's disk.

    Args:
        keeper: the actor.
        seconds: of training between two checkpoints.
    """

    keeper: Any
    seconds: float = CHECKPOINT_SECONDS

    @classmethod
    def hire(cls, ray: Any, path: Path, seconds: float = CHECKPOINT_SECONDS) -> Kept:
        """Start a keeper of this folder."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = ray.get_runtime_context().get_node_id()
        beside = NodeAffinitySchedulingStrategy(node_id=here, soft=False)
        options = {"num_cpus": 0, "scheduling_strategy": beside, "max_restarts": -1}
        return cls(ray.remote(Keeper).options(**options).remote(path), seconds)

    def load(self, trial: str) -> bytes | None:
        content: bytes | None = self._ask(self.keeper.load.remote(trial))
        return content

    def save(self, trial: str, content: bytes) -> None:
        failure = self._ask(self.keeper.save.remote(trial, content))
        if failure is not None:
            raise OSError(failure)

    def drop(self, trials: Sequence[str]) -> None:
        """Forget the checkpoints of these trials; nobody waits for it."""
        self.keeper.drop.remote(list(trials))

    def known(self) -> set[str]:
        """The trials that have one."""
        try:
            found: set[str] = self._ask(self.keeper.known.remote())
        except OSError:
            return set()
        return found

    @staticmethod
    def _ask(reference: Any) -> Any:
        import ray

        try:
            return ray.get(reference, timeout=ANSWER_SECONDS)
        except (ray.exceptions.RayError, ray.exceptions.GetTimeoutError) as error:
            raise OSError(f"the keeper does not answer ({type(error).__name__})") from error
