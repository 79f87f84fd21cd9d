"""What an exception in a trial stands for: its status, and its reason in one line."""

from __future__ import annotations

import inspect
import traceback
from pathlib import Path
from typing import Any

from service.contracts.pair import LocatedPair
from service.contracts.trial import Status
from service.training.course import TimedOut


def classified(error: Exception, located: LocatedPair) -> tuple[Status, str]:
    """The status an exception stands for, and its reason in one line with the place it came from."""
    if isinstance(error, TimedOut):
        return Status.TIMED_OUT, f"timed out {error}"
    kind = type(error).__name__
    text = " ".join(str(error).split())[:300]
    reason = f"{kind}: {text} ({_place(error, located)})"
    if isinstance(error, MemoryError) or kind in ("ResourceExhaustedError", "OutOfMemoryError"):
        return Status.OUT_OF_MEMORY, reason
    return Status.FAILED, reason


def _file_of(build: Any) -> str | None:
    """The file of a builder's code; a partial's is its function's, and some callables have none."""
    function = inspect.unwrap(getattr(build, "func", build))
    code = getattr(function, "__code__", None)
    return None if code is None else str(code.co_filename)


def _place(error: Exception, located: LocatedPair) -> str:
    """The innermost line of the pair's own code, or of any code where the pair had no part in it."""
    frames = traceback.extract_tb(error.__traceback__)
    own = _file_of(located.pair.reference.build)
    frame = next((frame for frame in reversed(frames) if frame.filename == own), frames[-1])
    # A file that travelled as text has no path here: it is called by the name its user knows.
    travelled = located.text is not None and frame.filename == own
    name = located.reference.partition(":")[0] if travelled else frame.filename
    return f"{Path(name).name}:{frame.lineno}"
