"""Carries a driver's progress into the queue, and the queue's orders to the driver."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import deque
from types import TracebackType

from service.contracts.entry import Orders, Stale
from service.contracts.errors import Unavailable
from service.contracts.ports import Advance
from service.queue.reports import DriverDesk

EVERY = 1.0
"""Seconds between two reports."""

_LINES = 1_000
"""Lines that wait while the database does not answer; older ones are let go."""


class Reporter:
    """Hears how a campaign advances (`contracts.ports.Progress`) and reports it from a thread.

    A driver that is to stop gets SIGTERM, as from a user. One whose place was taken by another
    ends at once: whatever it would do from now on is the other one's to do.

    Args:
        desk: the driver's way into the queue.
        max_parallel: the most trials at once; the attribute follows the queue's orders.
    """

    def __init__(self, desk: DriverDesk, max_parallel: int | None = None) -> None:
        self._desk = desk
        self.max_parallel = max_parallel
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._news: Advance | None = None
        self._end = threading.Event()
        self._reporting = threading.Lock()
        self._cancelled = False
        self._thread = threading.Thread(target=self._work, name="reporter", daemon=True)

    def advance(self, news: Advance) -> None:
        self._news = news

    def say(self, text: str) -> None:
        print(text, flush=True)
        self._lines.append(text)

    def flush(self) -> None:
        """Report what there is now.

        Raises:
            Stale: another driver has taken this one's place.
            Unavailable: the database does not answer.
        """
        with self._reporting:
            while self._lines:
                self._desk.say(self._lines[0])
                self._lines.popleft()
            news, self._news = self._news, None
            try:
                if news is None:
                    orders = self._desk.orders()
                else:
                    orders = self._desk.progress(news.done, news.planned, news.training_seconds)
            except Unavailable:
                self._news = self._news or news
                raise
        self._heed(orders)

    def _heed(self, orders: Orders) -> None:
        if orders.cancel and not self._cancelled:
            self._cancelled = True
            os.kill(os.getpid(), signal.SIGTERM)
        self.max_parallel = orders.max_parallel

    def _work(self) -> None:
        while not self._end.wait(EVERY):
            try:
                self.flush()
            except Stale as error:
                if self._end.is_set():
                    return  # the driver itself has just ended the entry
                print(f"not needed any more: {error}", flush=True)
                sys.stdout.flush()
                os._exit(0)
            except Unavailable as error:
                print(error, flush=True)

    def __enter__(self) -> Reporter:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Report no more by itself; called before the driver says its last word."""
        self._end.set()
        with self._reporting:
            pass
