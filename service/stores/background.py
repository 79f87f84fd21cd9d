"""Work beside a run that may be late and may fail: the run never waits for it and never fails by it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_PAUSE_SECONDS = 5.0
_SHARE = 0.02


class Background:
    """Calls `work` from a daemon thread after news, and once more at the end.

    What grows with an experiment is called ever less often: it takes a fiftieth of the time at most.

    Args:
        name: what the thread is called.
        work: brings something up to date; nothing depends on it.
        say: hears once if it fails; then it is left alone until the end.
    """

    def __init__(self, name: str, work: Callable[[], object], say: Callable[[str], None]) -> None:
        self._name = name
        self._work = work
        self._say = say
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def nudge(self) -> None:
        """There is something new. Returns at once."""
        self._wake.set()

    def close(self, timeout: float) -> None:
        """Do the rest; wait at most `timeout` seconds for it."""
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        well = True
        while True:
            self._wake.wait()
            self._wake.clear()  # before the work: news during it must not be lost
            stopping = self._stop.is_set()
            started = time.monotonic()
            if well or stopping:
                well = self._attempt(told=not well)
            if stopping:
                return
            took = time.monotonic() - started
            self._stop.wait(max(_PAUSE_SECONDS, took / _SHARE))

    def _attempt(self, *, told: bool) -> bool:
        try:
            self._work()
        except Exception as error:
            if not told:
                self._say(f"{self._name}: {' '.join(str(error).split())[:300]}; the run goes on")
            return False
        return True
