"""Stops a run when the user or the system asks it to."""

from __future__ import annotations

import signal
import threading
from types import TracebackType


class Interrupted(BaseException):
    """The user or the system asked the run to stop; its argument is the signal's name.

    Not an `Exception`: what catches those, in a trial or in a library, must not catch this.
    """


class Stop:
    """SIGINT and SIGTERM as `Interrupted`, while it is entered in the main thread.

    What a signal handler raises can be swallowed by a library that catches everything (TensorFlow
    does where it looks at dtypes). So the signal is remembered, too, and `check` raises again.
    """

    def __init__(self) -> None:
        self._heard: str | None = None
        self._before: dict[int, object] = {}

    def check(self) -> None:
        """Raise `Interrupted` if a signal came, whoever swallowed it."""
        if self._heard is not None:
            raise Interrupted(self._heard)

    def _hear(self, number: int, frame: object) -> None:
        self._heard = signal.Signals(number).name
        raise Interrupted(self._heard)

    def __enter__(self) -> Stop:
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        self._before.clear()
