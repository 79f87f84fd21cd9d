"""Nodes that are about to go: spot nodes that were called back, nodes that an operator empties."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any


class Draining:
    """Knows which nodes Ray drains. Ray starts no actor there, but those that are there go on
    taking calls, and as long as they live the node counts as busy: it is for us to let go of it.

    Args:
        ray: the ray module, connected.
        every: seconds between two questions to Ray's head.
    """

    def __init__(self, ray: Any, every: float = 1.0) -> None:
        self._ray = ray
        self._every = every
        self._looked = float("-inf")
        self._nodes: frozenset[str] = frozenset()

    def nodes(self) -> frozenset[str]:
        """Their ids, as they were lately."""
        if time.monotonic() - self._looked > self._every:
            self._looked = time.monotonic()
            # What Ray's own Train asks (ray.train.v2, preemption.py, Ray 2.60); its public list of
            # nodes does not tell.
            with suppress(Exception):  # a head that is away for a moment ends no run by this
                self._nodes = frozenset(self._ray._private.state.state.get_draining_nodes())
        return self._nodes
