"""Keeps what the service has started by itself running."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from service.contracts.errors import ArchduelError

LOOK_EVERY = 1.0
"""Seconds between two looks at what runs."""

_LONGEST_PAUSE = 60.0


class Upheld(Protocol):
    """A child process of the service."""

    def ensure(self) -> bool:
        """See that it runs and answers; returns whether it had to be started."""
        ...

    def stop(self) -> None:
        """End it."""
        ...


class Upholding:
    """A thread for each child, which starts it again when it has died.

    On Linux a child of a child may be tied to the thread that started it, so the thread stays.

    Args:
        children: by their names for people; None where the service was given one.
        stop: ends the threads.
        say: hears what happens, in one line.
    """

    def __init__(
        self,
        children: Mapping[str, Upheld | None],
        stop: threading.Event,
        say: Callable[[str], None],
    ) -> None:
        self._children = {name: child for name, child in children.items() if child is not None}
        self._stop = stop
        self._say = say

    def threads(self) -> list[threading.Thread]:
        """The threads, not started yet."""
        return [
            threading.Thread(target=self._uphold, args=(name, child), name=name, daemon=True)
            for name, child in self._children.items()
        ]

    def end(self) -> None:
        """End the children; nothing starts them again once `stop` is set."""
        for child in self._children.values():
            child.stop()

    def _uphold(self, name: str, child: Upheld) -> None:
        pause = LOOK_EVERY
        while not self._stop.is_set():
            try:
                if child.ensure():
                    self._say(f"{name} was started")
                pause = LOOK_EVERY
            except (ArchduelError, OSError) as error:
                self._say(f"{name} could not be started: {error}")
                pause = min(2 * pause, _LONGEST_PAUSE)
            self._stop.wait(pause)
