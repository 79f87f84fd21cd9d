"""Claims what is queued, starts its drivers, watches them, and starts another where one was lost.

Several dispatchers may work on one queue: each looks after what it holds a lease of, and takes over
what another one let run out. Nothing is kept in memory that the queue and the host could not tell
again, so a dispatcher may be killed at any moment.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from service.contracts.driver_host import DriverHost, Job
from service.contracts.entry import ACTIVE, Entry, EntryState, IllegalMove, NoSuchEntry, Stale
from service.contracts.errors import Unavailable
from service.queue.queue import Queue

_SETTLED = (IllegalMove, NoSuchEntry, Stale)
"""The entry went on without us: its driver ended it, a user cancelled it, another holds it."""

PAUSE = 0.25
"""Seconds between two rounds in which nothing happened."""

LOOK_EVERY = 1.0
"""Seconds between two looks at the same driver."""

FAREWELL = 30.0
"""Seconds that a driver may live on after its last word, before it is stopped."""

TRY_AGAIN = 2.0
"""Seconds until something that did not answer is asked again."""


@dataclass
class _Ending:
    """A driver whose entry went on without us: it has most likely said its last word.

    Args:
        entry: as it was.
        since, looked: `time.monotonic()`.
    """

    entry: Entry
    since: float
    looked: float = -1e9


class Dispatcher:
    """One service process's share of the work.

    Args:
        queue: the queue.
        host: where drivers run.
        name: this process's, which no other has had.
        say: hears in one line of what goes wrong and of its end.
        keep_log: is given an entry and the log of its driver when that has ended.
    """

    def __init__(
        self,
        queue: Queue,
        host: DriverHost,
        name: str,
        *,
        say: Callable[[str], None] = lambda text: None,
        keep_log: Callable[[Entry, str], None] = lambda entry, log: None,
    ) -> None:
        self._queue = queue
        self._host = host
        self._name = name
        self._say = say
        self._keep_log = keep_log
        self._wake = threading.Event()
        self._renewed = -1e9
        self._looked: dict[str, float] = {}
        self._trouble: str | None = None
        self._held: dict[str, Entry] = {}
        self._ending: dict[str, _Ending] = {}

    def nudge(self) -> None:
        """Something was submitted or cancelled: do not wait for the next round."""
        self._wake.set()

    def run(self, stop: threading.Event) -> None:
        """Work until `stop` is set. Drivers go on then, and whoever comes next looks after them."""
        renewing = threading.Thread(target=self._renew, args=(stop,), name="leases", daemon=True)
        renewing.start()
        while not stop.is_set():
            try:
                busy = self.step()
            except Unavailable as error:
                self._note_trouble(str(error))
                stop.wait(TRY_AGAIN)
                continue
            self._note_trouble(None)
            if not busy:
                self._wake.wait(PAUSE)
                self._wake.clear()

    def _renew(self, stop: threading.Event) -> None:
        """Keep the leases while a round waits for a host that answers slowly."""
        while not stop.wait(self._queue.limits.lease_seconds / 4):
            with suppress(Unavailable):
                self._queue.renew(self._name)

    def step(self) -> bool:
        """One round; returns whether something was started.

        Raises:
            Unavailable: the database or the host does not answer. What it holds waits.
        """
        self._keep_leases()
        for entry in list(self._held.values()):
            self._look_after(entry)
        for job in list(self._ending):
            self._see_off(job)
        started = False
        if self._queue.waiting():
            self._host.check()  # while it is down nothing is claimed
        while self._queue.waiting() and (claimed := self._queue.claim(self._name)) is not None:
            started = True
            self._held[claimed.id] = claimed
            self._start(claimed)
        return started

    def _keep_leases(self) -> None:
        """Renew, take over, and learn what became of what is held."""
        if time.monotonic() - self._renewed < min(LOOK_EVERY, self._queue.limits.lease_seconds / 4):
            return
        adopted = self._queue.adopt(self._name)
        for one in adopted:
            self._say(f"{one.id}: taken over from a service that fell silent")
        held = {one.id: one for one in self._queue.renew(self._name)}
        self._ending.update(
            (job, _Ending(one, time.monotonic()))
            for one in self._held.values()
            if (job := one.job) and job not in {other.job for other in held.values()}
        )
        self._held = held
        jobs = {one.job for one in held.values()}
        self._looked = {job: at for job, at in self._looked.items() if job in jobs}
        self._renewed = time.monotonic()

    def _start(self, entry: Entry) -> None:
        """Start a driver. Where the host does not confirm it, it is asked again under the same name,
        which starts nothing twice."""
        assert entry.job is not None
        self._looked[entry.job] = time.monotonic()
        self._host.start(entry.job, entry.id, entry.attempt)

    def _look_after(self, entry: Entry) -> None:
        """See how a driver is, and do what follows from it."""
        job = entry.job
        assert job is not None
        cancelling = entry.state is EntryState.CANCELLING
        if not cancelling and time.monotonic() - self._looked.get(job, -1e9) < LOOK_EVERY:
            return
        self._looked[job] = time.monotonic()
        found = self._host.status(job)
        if found is not None and not found.ended:
            if cancelling:
                self._host.stop(job)
            return
        if found is None and entry.state is EntryState.STARTING:
            self._start(entry)
            return
        self._held.pop(entry.id, None)
        if found is not None:
            self._put_away(entry, job)
        with suppress(*_SETTLED):
            if cancelling:
                self._queue.move(
                    entry.id, EntryState.CANCELLED, reason=entry.reason, held_by=self._name
                )
            else:
                self._lose(entry, found)

    def _see_off(self, job: str) -> None:
        """Wait for the end of a driver that is no longer needed, and help it along."""
        ending, now = self._ending[job], time.monotonic()
        if now - ending.looked < LOOK_EVERY:
            return
        ending.looked = now
        if self._is_anothers(ending.entry):
            del self._ending[job]
            return
        found = self._host.status(job)
        if found is not None and not found.ended:
            if now - ending.since > FAREWELL:
                self._host.stop(job)
            return
        del self._ending[job]
        if found is not None:
            self._put_away(ending.entry, job)

    def _is_anothers(self, entry: Entry) -> bool:
        """Whether another service process looks after this very driver now."""
        try:
            current = self._queue.get(entry.id)
        except NoSuchEntry:
            return False
        return current.job == entry.job and current.state in ACTIVE

    def _put_away(self, entry: Entry, job: str) -> None:
        self._keep_log(entry, self._host.logs(job))
        self._host.forget(job)

    def _lose(self, entry: Entry, found: Job | None) -> None:
        """The driver is gone; where its work was done the entry has left its state, too."""
        if found is None:
            reason = "its driver was lost together with the Ray head; it goes on in a new one"
        else:
            reason = f"its driver was lost ({found.message or found.state})"
        self._queue.lost(entry.id, entry.attempt, reason, blamed=found is not None)
        self._say(f"{entry.id}: {reason}")

    def _note_trouble(self, trouble: str | None) -> None:
        """Say once that something does not answer, and once that it does again."""
        if trouble == self._trouble:
            return
        self._say(trouble if trouble is not None else "all that is needed answers again")
        self._trouble = trouble
        with suppress(Unavailable, NoSuchEntry):
            for entry in self._held.values():
                if entry.state is not EntryState.CANCELLING:
                    self._queue.remark(entry.id, trouble)
