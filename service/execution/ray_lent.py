"""A worker that outlives its run: it waits for the next run of its user, and ends when none comes."""

from __future__ import annotations

import gc
import os
import threading
import time
from typing import Any

from service.contracts.ports import Checkpoints
from service.contracts.trial import Runtime
from service.execution.ray_actor import RECYCLE_GROWTH_BYTES, Arrival, WarmWorker
from service.execution.ray_draining import Draining

LOOK_EVERY = 1.0
"""Seconds between two looks at whether who borrowed it still lives."""

NODE_EVERY = 5.0
"""Seconds between two looks of an idle worker at whether its node is about to go."""

ANSWER_SECONDS = 60.0


class Anchor:
    """An actor that dies with the driver's process, by which workers know that it is gone."""

    def alive(self) -> bool:
        """Answer as long as the driver lives."""
        return True


class LentWorker(WarmWorker):
    """A warm worker in a process that belongs to no run.

    Args:
        settings: backend, threads and GPUs.
        anchor: of the run that borrows it first.
        seconds: how long it waits for another run.
    """

    def __init__(self, settings: Runtime, anchor: Any, seconds: float) -> None:
        self._settings = settings
        self._seconds = seconds
        self._anchor = anchor
        self._idle_since: float | None = None
        self._first_size: int | None = None
        self._lock = threading.Lock()
        threading.Thread(target=self._watch, name="anchor", daemon=True).start()

    def born(self) -> bool:
        """The process is there; before, Ray waits for free CPUs."""
        return True

    def load(self) -> None:
        """Load the backend, which is most of a start. Its failure is told by `equip`."""
        from service.training import runtime

        runtime.prepare(self._settings)

    def equip(
        self,
        pairs: dict[str, tuple[str, str | None]],
        datasets: dict[str, Any],
        timeout: float,
        checkpoints: Checkpoints | None,
    ) -> Arrival:
        """As `WarmWorker.equip`."""
        self.load()
        arrival = super().equip(pairs, datasets, timeout, checkpoints)
        self._first_size = self._first_size or arrival.bytes
        return arrival

    def adopt(self, anchor: Any, until: float) -> bool:
        """Take up work for another run.

        Args:
            anchor: of that run.
            until: seconds since 1970 after which nobody waits for the answer any more.

        Returns:
            Whether it does: it is idle, and this is in time.
        """
        with self._lock:
            if self._idle_since is None or time.time() > until:
                return False
            self._idle_since, self._anchor = None, anchor
            return True

    def release(self) -> None:
        """Let go of a run and its data. Its compiled programs stay, for this user's next run."""
        from service.training.memory import resident_bytes

        self._worker = None
        if self._repertoire is not None:
            self._repertoire.release()
        gc.collect()
        size = resident_bytes()
        if size - (self._first_size or size) > RECYCLE_GROWTH_BYTES:
            os._exit(0)
        with self._lock:
            self._idle_since, self._anchor = time.monotonic(), None

    def retire(self, until: float) -> None:
        """End, if it is idle: another user's worker, or another kind of it, needs the room."""
        with self._lock:
            if self._idle_since is not None and time.time() <= until:
                os._exit(0)

    def _watch(self) -> None:
        import ray

        draining = Draining(ray, NODE_EVERY)
        while True:
            time.sleep(LOOK_EVERY)
            with self._lock:
                anchor, since = self._anchor, self._idle_since
                if since is not None and time.monotonic() - since > self._seconds:
                    os._exit(0)
            if anchor is None:
                if _goes(ray, draining):
                    with self._lock:
                        if self._idle_since is not None:
                            os._exit(0)  # nothing else keeps the node from going
                continue
            try:
                ray.get(anchor.alive.remote(), timeout=ANSWER_SECONDS)
            except ray.exceptions.RayActorError:
                with self._lock:
                    if self._anchor is anchor:  # whatever it trains now, nobody waits for it
                        os._exit(1)
            except Exception:  # Ray itself is in trouble, and ends this process where it must.
                continue


def _goes(ray: Any, draining: Draining) -> bool:
    """Whether this node is about to go."""
    return ray.get_runtime_context().get_node_id() in draining.nodes()
