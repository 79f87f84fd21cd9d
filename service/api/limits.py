"""How often somebody may ask, and how much a request may hold."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

_KEPT = 10_000


class Allowance:
    """So many requests a minute for each name, in bursts of up to as many: a token bucket.

    Args:
        per_minute: requests.
        clock: seconds that only grow.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = float(per_minute)
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}
        self._lock = Lock()

    def take(self, name: str) -> float:
        """Count one request.

        Returns:
            0 where it is allowed, else the seconds until one will be.
        """
        now = self._clock()
        with self._lock:
            left, at = self._left.pop(name, (self._most, now))
            left = min(self._most, left + (now - at) * self._most / 60)
            allowed = left >= 1
            # The names asked for last stand at the end, so that the oldest is the first to go.
            self._left[name] = (left - 1 if allowed else left, now)
            if len(self._left) > _KEPT:
                del self._left[next(iter(self._left))]
        return 0.0 if allowed else (1 - left) * 60 / self._most


class Places:
    """So many of something at once, for each name and in all.

    Args:
        each: for one name.
        together: in all.
    """

    def __init__(self, each: int, together: int) -> None:
        self._each = each
        self._together = together
        self._taken: dict[str, int] = {}
        self._lock = Lock()

    def enter(self, name: str) -> bool:
        """Take a place; False where there is none left."""
        with self._lock:
            taken = self._taken.get(name, 0)
            if taken >= self._each or sum(self._taken.values()) >= self._together:
                return False
            self._taken[name] = taken + 1
            return True

    def leave(self, name: str) -> None:
        """Give a place back."""
        with self._lock:
            left = self._taken.get(name, 0) - 1
            if left > 0:
                self._taken[name] = left
            else:
                self._taken.pop(name, None)
