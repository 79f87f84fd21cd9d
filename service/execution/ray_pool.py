"""The Ray executor: a pool of warm actors, retries for lost ones, a timeout for each trial.

Ray schedules, places, moves data and notices death. Here is decided only which trial goes to which
idle worker, and what a death means for the trials it had.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from service.contracts.data import Dataset
from service.contracts.errors import ArchduelError
from service.contracts.pair import LocatedPair
from service.contracts.results import Outcome
from service.contracts.strategy import Timing
from service.contracts.trial import Runtime, Status, TrialSpec
from service.execution import ray_session
from service.execution.ray_actor import WarmWorker
from service.execution.ray_failures import creation_error, gone, one_line
from service.execution.ray_measure import measured

ATTEMPTS = 3
"""How often a trial is tried whose worker was lost, before it counts as lost itself."""

FALSE_STARTS = 3
"""How many workers in a row may die while starting before the run gives up."""

PATIENCE_SECONDS = 60.0
"""How long nothing may happen before it is said what is waited for."""

GRACE_SECONDS = 15.0
"""A worker stops a trial that is late between epochs; after this much more it is killed."""

RECYCLE_GROWTH_BYTES = 2 * 1024**3
"""A worker that has grown by this much since it was ready is replaced."""


@dataclass
class _Task:
    spec: TrialSpec
    attempt: int = 1


@dataclass
class _Slot:
    """One actor and what was sent to it, in order."""

    actor: Any
    welcome: Any
    baseline: int | None = None
    tasks: deque[tuple[Any, _Task]] = field(default_factory=deque)
    clock: float = 0.0
    grown: bool = False

    @property
    def ready(self) -> bool:
        """Whether it has loaded everything; before that it is given nothing."""
        return self.baseline is not None


class RayPool:
    """Runs trials on Ray; see `service.contracts.ports.Executor`.

    Args:
        ray: the ray module, connected by `ray_session.connect`.
        pairs, datasets: by pair name; each data set is put into Ray's object store once.
        settings: backend, threads and GPUs of a trial.
        timeout: seconds that a trial may take.
        max_parallel: the most trials at once, None for all that fits.
        say: hears of lost and recycled workers.
        recycle_growth: bytes by which a worker may grow.
    """

    def __init__(
        self,
        ray: Any,
        pairs: Mapping[str, LocatedPair],
        datasets: Mapping[str, Dataset],
        settings: Runtime,
        timeout: float,
        *,
        max_parallel: int | None = None,
        say: Callable[[str], None] = lambda text: None,
        recycle_growth: int = RECYCLE_GROWTH_BYTES,
    ) -> None:
        self._ray = ray
        self._say = say
        self._settings = settings
        self._timeout = timeout
        self._recycle_growth = recycle_growth
        self._tickets = {name: (pair.reference, pair.text) for name, pair in pairs.items()}
        self._data = {name: self._ray.put(dataset) for name, dataset in datasets.items()}
        self._slots = ray_session.slots(ray, settings, max_parallel)
        self._workers: list[_Slot] = []
        self._queue: deque[list[_Task]] = deque()
        self._given_up: list[Outcome] = []
        self._false_starts = 0
        self._heard_at = time.monotonic()

    @property
    def slots(self) -> int:
        return self._slots

    def submit(self, batch: Sequence[TrialSpec]) -> None:
        if batch:
            self._queue.append([_Task(spec) for spec in batch])
            self._dispatch()

    def collect(self) -> list[Outcome]:
        while True:
            self._dispatch()
            if self._given_up:
                done, self._given_up = self._given_up, []
                return done
            if not self._queue and not any(worker.tasks for worker in self._workers):
                return []
            done = self._wait()
            if done:
                return done

    def measure(self, specs: Sequence[TrialSpec]) -> list[Timing]:
        """Time trainings like these; see `service.contracts.ports.Executor`."""
        while len(self._workers) < min(self._slots, len(specs)):
            self._start()
        while not (ready := [worker for worker in self._workers if worker.ready]):
            self._wait()
        timings, stuck = measured(self._ray, [one.actor for one in ready], specs, self._timeout)
        for place in stuck:
            self._dismiss(ready[place])
        return timings

    def close(self) -> None:
        for worker in self._workers:
            self._ray.kill(worker.actor)
        self._workers.clear()
        self._queue.clear()

    # -- giving work out ---------------------------------------------------------------------

    def _dispatch(self) -> None:
        """Start workers while there is work for them, and give every idle one something."""
        busy = sum(bool(worker.tasks) for worker in self._workers)
        waiting = sum(len(batch) for batch in self._queue)
        wanted = min(self._slots, busy + waiting)
        if len(self._workers) < wanted:
            self._say(f"starting {wanted - len(self._workers)} of {wanted} workers")
        while len(self._workers) < wanted:
            self._start()
        for worker in list(self._workers):
            if not self._queue:
                return
            if worker.tasks or not worker.ready:
                continue
            if worker.grown:
                self._recycle(worker)
                continue
            worker.clock = time.monotonic()
            for task in self._share():
                reference = worker.actor.run.remote(task.spec, task.attempt)
                worker.tasks.append((reference, task))

    def _start(self) -> None:
        options = {
            "num_cpus": self._settings.threads,
            "num_gpus": self._settings.gpus,
            "max_restarts": 0,
            "max_task_retries": 0,
        }
        actor = (
            self._ray.remote(WarmWorker)
            .options(**options)
            .remote(self._tickets, self._data, self._settings, self._timeout)
        )
        self._workers.append(_Slot(actor=actor, welcome=actor.ready.remote()))

    def _recycle(self, worker: _Slot) -> None:
        self._say("a worker has grown too large; another takes its place")
        self._dismiss(worker)
        self._start()

    def _share(self) -> list[_Task]:
        """A fair share of the oldest batch: its trials use the same data and often one program.

        Shares shrink as the queue does, so that no worker idles at the end while another has many.
        """
        waiting = sum(len(batch) for batch in self._queue)
        size = max(1, ceil(waiting / (2 * self._slots)))
        batch = self._queue[0]
        share, rest = batch[:size], batch[size:]
        if rest:
            self._queue[0] = rest
        else:
            self._queue.popleft()
        return share

    # -- taking results in -------------------------------------------------------------------

    def _wait(self) -> list[Outcome]:
        """Wait for the next result, start, death or timeout."""
        waiting_for = {
            worker.tasks[0][0] if worker.tasks else worker.welcome: worker
            for worker in self._workers
            if worker.tasks or not worker.ready
        }
        found, _ = self._ray.wait(list(waiting_for), num_returns=1, timeout=1.0)
        outcomes: list[Outcome] = []
        for reference in found:
            worker = waiting_for[reference]
            if worker.ready:
                outcomes.extend(self._take(worker))
            else:
                self._welcome(worker)
        self._kill_late()
        self._say_what_is_waited_for(bool(found))
        return outcomes

    def _welcome(self, worker: _Slot) -> None:
        """The worker has loaded everything, or it died while doing so; that costs no trial."""
        try:
            worker.baseline = self._ray.get(worker.welcome)
        except self._ray.exceptions.RayError as error:
            cause = creation_error(error)
            self._false_starts += 1
            self._dismiss(worker)
            if cause is not None or self._false_starts >= FALSE_STARTS:
                reason = cause or one_line(error)
                raise ArchduelError(f"a worker could not start: {reason}") from error
            self._say(f"a worker was lost while starting: {one_line(error)}")
            return
        self._false_starts = 0
        ready = sum(one.ready for one in self._workers)
        if ready == len(self._workers):
            self._say(f"{ready} {'worker is' if ready == 1 else 'workers are'} ready")

    def _say_what_is_waited_for(self, heard: bool) -> None:
        now = time.monotonic()
        if heard or any(worker.tasks for worker in self._workers):
            self._heard_at = now
        elif now - self._heard_at > PATIENCE_SECONDS:
            self._heard_at = now
            self._say("no worker is ready yet: Ray waits for free CPUs, or for nodes to come")

    def _take(self, worker: _Slot) -> list[Outcome]:
        """Everything that the worker has finished by now."""
        outcomes: list[Outcome] = []
        while worker.tasks:
            reference, _ = worker.tasks[0]
            if outcomes and not self._ray.wait([reference], timeout=0)[0]:
                break
            try:
                outcome, resident = self._ray.get(reference)
            except self._ray.exceptions.OutOfMemoryError as error:
                self._lose(worker, one_line(error), status=Status.OUT_OF_MEMORY)
                break
            except self._ray.exceptions.RayTaskError as error:
                raise ArchduelError(one_line(error.cause)) from error
            except self._ray.exceptions.RayError as error:
                self._lose(worker, one_line(error))
                break
            worker.tasks.popleft()
            worker.clock = time.monotonic()
            worker.grown = resident > (worker.baseline or 0) + self._recycle_growth
            outcomes.append(outcome)
        return outcomes

    def _kill_late(self) -> None:
        """Kill workers whose trial did not stop by itself at its timeout."""
        for worker in list(self._workers):
            late = time.monotonic() - worker.clock > self._timeout + GRACE_SECONDS
            if worker.tasks and late:
                reason = f"killed after {self._timeout + GRACE_SECONDS:.0f} s"
                self._lose(worker, reason, status=Status.TIMED_OUT)

    def _dismiss(self, worker: _Slot) -> None:
        self._workers.remove(worker)
        self._ray.kill(worker.actor)

    def _lose(self, worker: _Slot, reason: str, status: Status = Status.LOST) -> None:
        """The worker is gone: its first trial is to blame, the others go back into the queue.

        A trial that ran out of memory or time is not tried again; one whose worker was lost is,
        with the same seeds, until it has had its attempts.
        """
        self._dismiss(worker)
        (_, blamed), *others = worker.tasks
        again = [task for _, task in others]
        if status is Status.LOST and blamed.attempt < ATTEMPTS:
            self._say(f"a worker was lost ({reason}); trial {blamed.spec.id[:8]} is tried again")
            again.insert(0, _Task(blamed.spec, blamed.attempt + 1))
        else:
            self._given_up.append(gone(blamed.spec, blamed.attempt, status, reason))
        if again:
            self._queue.appendleft(again)
