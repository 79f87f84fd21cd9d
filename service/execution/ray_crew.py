"""The warm actors: started early, equipped when the data is there, replaced when they die."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.contracts.data import Dataset
from service.contracts.errors import ArchduelError
from service.contracts.nodes import NodeGroup
from service.contracts.pair import LocatedPair
from service.contracts.ports import Checkpoints
from service.contracts.trial import Runtime
from service.execution import ray_session
from service.execution.ray_actor import Arrival
from service.execution.ray_draining import Draining
from service.execution.ray_failures import creation_error, one_line
from service.execution.ray_lending import Own, Source
from service.execution.schedule import Parcel

PRESS_EVERY = 2.0
"""Seconds between two looks for idle workers while new ones wait for a place."""

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
        node: Ray's id of its node, once it is ready.
        leaving: whether that node is about to go: it ends what it has, and gets nothing more.
    """

    actor: Any
    welcome: Any = None
    baseline: int | None = None
    parcels: deque[tuple[Any, Parcel]] = field(default_factory=deque)
    clock: float = 0.0
    grown: bool = False
    node: str | None = None
    leaving: bool = False

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
        source: where workers come from, and go; None for such as end with the run.
        max_parallel: the most workers, None for all that fits.
        groups: nodes that an autoscaler adds where workers wait.
        limit: asked now and then; a number goes before `max_parallel`.
        say: hears of workers that start and die.

    Raises:
        ArchduelError: not one trial fits.
    """

    def __init__(
        self,
        ray: Any,
        settings: Runtime,
        *,
        source: Source | None = None,
        max_parallel: int | None = None,
        groups: Sequence[NodeGroup] = (),
        limit: Callable[[], int | None] = lambda: None,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._ray = ray
        self._settings = settings
        self._say = say
        self._source = source or Own(ray, settings)
        self._fits = ray_session.slots(ray, settings, groups)
        self._max_parallel = max_parallel
        self._pressed = 0.0
        self._limit = limit
        self._draining = Draining(ray)
        self.members: list[Member] = []
        self._equipment: tuple[Any, ...] | None = None
        self._false_starts = 0

    @property
    def slots(self) -> int:
        """How many trials run at once: all that fit, or as many as may."""
        most = self._limit() or self._max_parallel
        return self._fits if most is None else min(self._fits, most)

    def start(self, wanted: int) -> None:
        """See that there are this many workers, but not more than there is room for."""
        missing = min(wanted, self.slots) - len(self.members)
        if missing <= 0:
            return
        adopted = self._source.adopt(missing)
        if adopted:
            self._say(f"{_workers(len(adopted))} of an earlier experiment go on here")
        for actor in adopted:
            self._welcome_in(actor)
        missing -= len(adopted)
        if missing:
            self._say(f"starting {missing} of {len(self.members) + missing} workers")
        for _ in range(missing):
            self._hire()

    def press(self) -> None:
        """While workers wait for a place: take idle ones instead, and have others make room."""
        if time.monotonic() - self._pressed < PRESS_EVERY:
            return
        waiting = [one for one in self.members if self._source.is_waiting(one.actor)]
        if not waiting:
            return
        self._pressed = time.monotonic()
        for actor in self._source.adopt(len(waiting)):
            self.dismiss(waiting.pop())
            self._welcome_in(actor)
        if waiting:
            self._source.make_room()

    def shrink(self) -> list[Member]:
        """Let go of idle workers where there are more than may be; returns them."""
        too_many = len(self.members) - self.slots
        idle = [one for one in self.members if one.ready and not one.parcels]
        gone = idle[: max(0, too_many)]
        for member in gone:
            self._part(member)
        return gone

    def depart(self) -> list[Member]:
        """Let go of workers on nodes that are about to go, once they have ended what they have.

        Returns:
            Those that were let go of; the others are `leaving`.
        """
        draining = self._draining.nodes()
        gone = []
        for member in [one for one in self.members if one.node in draining]:
            if not member.leaving:
                member.leaving = True
                self._say("a worker's node is about to go; it ends what it has")
            if not member.parcels:
                self.dismiss(member)
                gone.append(member)
        return gone

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
        self._source.part(member.actor, sound=False)

    def welcome(self, member: Member) -> bool:
        """Whether the worker has loaded everything; if not it died, and that costs no trial.

        Raises:
            ArchduelError: it told why it could not start, or too many died without a word.
        """
        try:
            arrival: Arrival = self._ray.get(member.welcome)
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
        member.baseline, member.node = arrival.bytes, arrival.node
        self._false_starts = 0
        ready = sum(one.ready for one in self.members)
        if ready == len(self.members):
            self._say(f"{_workers(ready)} {'is' if ready == 1 else 'are'} ready")
        return True

    def close(self) -> None:
        """Part with all workers."""
        for member in list(self.members):
            self._part(member)

    def _part(self, member: Member) -> None:
        """Give back one that has nothing to do, and end one that has."""
        self.members.remove(member)
        self._source.part(member.actor, sound=member.ready and not member.parcels)

    def _hire(self) -> None:
        self._welcome_in(self._source.hire())

    def _welcome_in(self, actor: Any) -> None:
        member = Member(actor)
        self.members.append(member)
        if self._equipment is not None:
            self._send_equipment(member)

    def _send_equipment(self, member: Member) -> None:
        assert self._equipment is not None
        member.welcome = member.actor.equip.remote(*self._equipment)


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"
