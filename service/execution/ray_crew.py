"""The warm actors: started early, equipped when the data is there, replaced when they die."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from service.contracts.data import Dataset
from service.contracts.errors import ArchduelError
from service.contracts.pair import LocatedPair
from service.contracts.ports import Checkpoints
from service.contracts.trial import Runtime
from service.execution import ray_session
from service.execution.ray_actor import WarmWorker
from service.execution.ray_failures import creation_error, one_line
from service.execution.schedule import Parcel

FALSE_STARTS = 3
"""How many workers in a row may die while starting before the run gives up."""


@dataclass(eq=False)
class Member:
    """One actor and what was sent to it, in order.

    Args:
        actor: its handle.
        welcome: the answer to its equipment, once that was sent.
        baseline: resident bytes when it was ready, None before.
        parcels: the calls that have not ended, each with its reference.
        clock: `time.monotonic()` when the oldest of them began.
        grown: whether it is to be replaced.
    """

    actor: Any
    welcome: Any = None
    baseline: int | None = None
    parcels: deque[tuple[Any, Parcel]] = field(default_factory=deque)
    clock: float = 0.0
    grown: bool = False

    @property
    def ready(self) -> bool:
        """Whether it has loaded everything; before that it is given nothing."""
        return self.baseline is not None

    def send(self, parcel: Parcel, resume: bool) -> None:
        """Have it train these; calls run in the order in which they were sent.

        Args:
            parcel: what to train.
            resume: whether there may be a checkpoint of it.
        """
        if not self.parcels:
            self.clock = time.monotonic()
        specs, attempts = [task.spec for task in parcel], [task.attempt for task in parcel]
        self.parcels.append((self.actor.run.remote(specs, attempts, resume), parcel))


class Crew:
    """The workers of one run.

    They may be started before the data is there, since most of a start is loading the backend.

    Args:
        ray: the ray module, connected by `ray_session.connect`.
        settings: backend, threads and GPUs of a trial.
        max_parallel: the most workers, None for all that fits.
        say: hears of workers that start and die.

    Raises:
        ArchduelError: not one trial fits.
    """

    def __init__(
        self,
        ray: Any,
        settings: Runtime,
        *,
        max_parallel: int | None = None,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._ray = ray
        self._settings = settings
        self._say = say
        self.slots = ray_session.slots(ray, settings, max_parallel)
        self.members: list[Member] = []
        self._equipment: tuple[Any, ...] | None = None
        self._false_starts = 0

    def start(self, wanted: int) -> None:
        """See that there are this many workers, but not more than there is room for."""
        missing = min(wanted, self.slots) - len(self.members)
        if missing > 0:
            self._say(f"starting {missing} of {len(self.members) + missing} workers")
        for _ in range(missing):
            self._hire()

    def equip(
        self,
        pairs: Mapping[str, LocatedPair],
        datasets: Mapping[str, Dataset],
        timeout: float,
        checkpoints: Checkpoints | None = None,
    ) -> None:
        """Give all workers, and those to come, what is to be trained.

        Args:
            pairs, datasets: by pair name; each data set is put into Ray's object store once.
            timeout: seconds that a trial may take.
            checkpoints: where long trials leave theirs.
        """
        tickets = {name: (pair.reference, pair.text) for name, pair in pairs.items()}
        data = {name: self._ray.put(dataset) for name, dataset in datasets.items()}
        self._equipment = (tickets, data, timeout, checkpoints)
        for member in self.members:
            self._send_equipment(member)

    def replace(self, member: Member) -> None:
        """Another worker in its place."""
        self.dismiss(member)
        self._hire()

    def dismiss(self, member: Member) -> None:
        """End a worker, or what is left of it."""
        self.members.remove(member)
        self._ray.kill(member.actor)

    def welcome(self, member: Member) -> bool:
        """Whether the worker has loaded everything; if not it died, and that costs no trial.

        Raises:
            ArchduelError: it told why it could not start, or too many died without a word.
        """
        try:
            member.baseline = self._ray.get(member.welcome)
        except self._ray.exceptions.RayTaskError as error:
            raise ArchduelError(f"a worker could not start: {one_line(error.cause)}") from error
        except self._ray.exceptions.RayError as error:
            cause = creation_error(error)
            self._false_starts += 1
            self.dismiss(member)
            if cause is not None or self._false_starts >= FALSE_STARTS:
                reason = cause or one_line(error)
                raise ArchduelError(f"a worker could not start: {reason}") from error
            self._say(f"a worker was lost while starting: {one_line(error)}")
            return False
        self._false_starts = 0
        ready = sum(one.ready for one in self.members)
        if ready == len(self.members):
            self._say(f"{ready} {'worker is' if ready == 1 else 'workers are'} ready")
        return True

    def close(self) -> None:
        """End all workers."""
        for member in list(self.members):
            self.dismiss(member)

    def _hire(self) -> None:
        options = {
            "num_cpus": self._settings.threads,
            "num_gpus": self._settings.gpus,
            "max_restarts": 0,
            "max_task_retries": 0,
        }
        member = Member(self._ray.remote(WarmWorker).options(**options).remote(self._settings))
        self.members.append(member)
        if self._equipment is not None:
            self._send_equipment(member)

    def _send_equipment(self, member: Member) -> None:
        assert self._equipment is not None
        member.welcome = member.actor.equip.remote(*self._equipment)
