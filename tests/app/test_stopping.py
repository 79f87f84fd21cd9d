"""A signal stops a run even where a library swallows what its handler raises."""

from __future__ import annotations

import os
import signal

import pytest

from service.app.stopping import Interrupted, Stop


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_swallowed_signal_is_raised_again(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Stop() as stop:
        stop.check()
        try:
            os.kill(os.getpid(), number)
            signal.sigtimedwait([], 1)
        except:  # noqa: E722
            pass
        with pytest.raises(Interrupted, match=number.name):
            stop.check()
    assert signal.getsignal(number) == before
