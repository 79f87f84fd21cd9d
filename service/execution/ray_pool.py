"""The Ray executor: a pool of warm actors, retries for lost ones, a timeout for each trial.

Ray schedules, places, moves data and notices death. `schedule` decides which trials an idle worker
gets; here is decided what a death means for the trials that the worker had.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from service.contracts.data import Dataset
from service.contracts.errors import ArchduelError
from service.contracts.pair import LocatedPair
from service.contracts.results import Outcome
from service.contracts.strategy import Timing
from service.contracts.trial import Status, TrialSpec
from service.execution import ray_session
from service.execution.checkpoints import Shelf, Store
from service.execution.estimates import Estimates
from service.execution.ray_actor import RECYCLE_GROWTH_BYTES
from service.execution.ray_crew import Crew, Member
from service.execution.ray_failures import gone, one_line
from service.execution.ray_measure import measured
from service.execution.schedule import Schedule, Task

ATTEMPTS = 3
"""How often a trial is tried whose worker was lost, before it counts as lost itself."""

PATIENCE_SECONDS = 60.0
"""How long nothing may happen before it is said what is waited for."""

WATCH_EVERY = 0.25
"""Seconds between two looks at all clocks."""

GRACE_SECONDS = 15.0
"""A worker stops a trial that is late between epochs; after this much more it is killed."""


class RayPool:
    """Runs trials on Ray; see `service.contracts.ports.Executor`.

    Args:
        ray: the ray module, connected by `ray_session.connect`.
        crew: its workers, started already or not.
        pairs, datasets: by pair name; each data set is put into Ray's object store once.
        timeout: seconds that a trial may take.
        say: hears of lost and recycled workers.
        recycle_growth: bytes by which a worker may grow.
        known: what was measured before, by pair.
        checkpoints: where long trials leave theirs; None keeps none.
    """

    def __init__(
        self,
        ray: Any,
        crew: Crew,
        pairs: Mapping[str, LocatedPair],
        datasets: Mapping[str, Dataset],
        timeout: float,
        *,
        say: Callable[[str], None] = lambda text: None,
        recycle_growth: int = RECYCLE_GROWTH_BYTES,
        known: Mapping[str, Sequence[Timing]] | None = None,
        checkpoints: Store | None = None,
    ) -> None:
        self._ray = ray
        self._say = say
        self._timeout = timeout
        self._recycle_growth = recycle_growth
        self._crew = crew
        self._crew.equip(pairs, datasets, timeout, checkpoints)
        self._shelf = Shelf(checkpoints, say)
        self._estimates = Estimates({name: len(dataset) for name, dataset in datasets.items()})
        for name, timings in (known or {}).items():
            for timing in timings:
                self._estimates.calibrate(name, timing)
        self._schedule = Schedule(self._estimates, self._crew.slots)
        self._given_up: list[Outcome] = []
        self._heard_at = self._watched_at = time.monotonic()

    @property
    def slots(self) -> int:
        return self._crew.slots

    def submit(self, batch: Sequence[TrialSpec]) -> None:
        self._schedule.submit(Task(spec) for spec in batch)

    def collect(self) -> list[Outcome]:
        self._shelf.recorded()
        done: list[Outcome] = []
        while not done:
            self._dispatch()
            if self._given_up:
                done, self._given_up = self._given_up, []
            elif self._schedule.waiting or self._busy():
                done = self._wait()
            else:
                break
        self._shelf.returned(done)
        return done

    def measure(self, specs: Sequence[TrialSpec]) -> list[Timing]:
        self._crew.start(len(specs))
        while not (ready := [member for member in self._crew.members if member.ready]):
            self._wait()
        timings, stuck = measured(self._ray, [one.actor for one in ready], specs, self._timeout)
        for place in stuck:
            self._schedule.leave(ready[place])
            self._crew.dismiss(ready[place])
        for spec, timing in zip(specs, timings, strict=True):
            self._estimates.calibrate(spec.pair, timing)
        return timings

    def close(self) -> None:
        self._crew.close()
        self._schedule.clear()

    # -- giving work out ---------------------------------------------------------------------

    def _busy(self) -> int:
        return sum(bool(member.parcels) for member in self._crew.members)

    def _dispatch(self) -> None:
        """Start workers while there is work for them, and give everyone something who has little."""
        for spare in [*self._crew.shrink(), *self._crew.depart()]:
            self._schedule.leave(spare)
        self._crew.start(self._busy() + self._schedule.waiting)
        for member in list(self._crew.members):
            if not self._schedule.waiting:
                return
            if not member.ready or member.leaving:
                continue
            if member.grown:
                if not member.parcels:
                    self._recycle(member)
            elif self._schedule.wants(member):
                for parcel in self._schedule.share(member):
                    first = parcel[0]
                    member.send(parcel, self._shelf.may_have(first.spec.id, first.attempt))

    def _recycle(self, member: Member) -> None:
        self._say("a worker has grown too large; another takes its place")
        self._schedule.leave(member)
        self._crew.replace(member)

    # -- taking results in -------------------------------------------------------------------

    def _wait(self) -> list[Outcome]:
        """Wait for the next result, start, death or timeout."""
        waiting_for = {
            member.parcels[0][0] if member.parcels else member.welcome: member
            for member in self._crew.members
            if member.parcels or not member.ready
        }
        found = ray_session.first_of(self._ray, list(waiting_for), 1.0)
        outcomes: list[Outcome] = []
        for reference in found:
            member = waiting_for[reference]
            if member.ready:
                outcomes.extend(self._take(member))
            elif self._crew.welcome(member):
                self._schedule.join(member)
        self._watch_clocks()
        self._crew.press()
        self._say_what_is_waited_for(bool(found))
        return outcomes

    def _take(self, member: Member) -> list[Outcome]:
        """Everything that the worker has finished by now."""
        outcomes: list[Outcome] = []
        while member.parcels:
            reference, _ = member.parcels[0]
            if outcomes and not ray_session.first_of(self._ray, [reference], 0):
                break
            try:
                found, resident = self._ray.get(reference)
            except self._ray.exceptions.OutOfMemoryError as error:
                self._lose(member, one_line(error), status=Status.OUT_OF_MEMORY)
                break
            except self._ray.exceptions.RayTaskError as error:
                raise ArchduelError(one_line(error.cause)) from error
            except self._ray.exceptions.RayError as error:
                self._lose(member, one_line(error))
                break
            member.parcels.popleft()
            member.clock = time.monotonic()
            member.grown = resident > (member.baseline or 0) + self._recycle_growth
            self._schedule.ended(member)
            for outcome in found:
                self._estimates.learn(outcome.result)
            outcomes.extend(found)
        return outcomes

    def _watch_clocks(self) -> None:
        """Kill workers whose trial did not stop by itself at its timeout."""
        if time.monotonic() - self._watched_at < WATCH_EVERY:
            return
        self._watched_at = time.monotonic()
        for member in list(self._crew.members):
            if not member.parcels:
                continue
            took = time.monotonic() - member.clock
            self._schedule.takes(member, took)
            limit = self._timeout * len(member.parcels[0][1]) + GRACE_SECONDS
            if took > limit:
                self._lose(member, f"killed after {limit:.0f} s", status=Status.TIMED_OUT)

    def _say_what_is_waited_for(self, heard: bool) -> None:
        now = time.monotonic()
        if heard or self._busy():
            self._heard_at = now
        elif now - self._heard_at > PATIENCE_SECONDS:
            self._heard_at = now
            self._say("no worker is ready yet: Ray waits for free CPUs, or for nodes to come")

    def _lose(self, member: Member, reason: str, status: Status = Status.LOST) -> None:
        """The worker is gone: its first trial is to blame, the others go back into the queue.

        A trial that ran out of memory or time is not tried again; one whose worker was lost is,
        with the same seeds, until it has had its attempts, not counting those that went with a node
        of which that was known. Of trials that were trained together
        none is blamed yet: each is tried again alone.
        """
        self._crew.dismiss(member)
        self._schedule.leave(member)
        (_, first), *others = member.parcels
        again = [task for _, parcel in others for task in parcel]
        if len(first) > 1:
            self._say(f"a worker was lost ({reason}); its {len(first)} trials are tried again")
            again[:0] = [task.again(member.leaving, alone=not member.leaving) for task in first]
        elif status is Status.LOST and first[0].again(member.leaving).blamed < ATTEMPTS:
            (lost,) = first
            self._say(f"a worker was lost ({reason}); trial {lost.spec.id[:8]} is tried again")
            again.insert(0, lost.again(member.leaving))
        else:
            self._given_up.append(gone(first[0].spec, first[0].attempt, status, reason))
        self._schedule.put_back(again)
