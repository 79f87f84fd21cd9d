"""What Ray's errors mean for a trial, in one line each."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from service.contracts.results import Cost, Outcome, TrialResult
from service.contracts.trial import Status, TrialSpec

_IN_CONSTRUCTOR = "The actor died because of an error raised in its creation task"


def gone(spec: TrialSpec, attempt: int, status: Status, reason: str) -> Outcome:
    """The outcome of a trial that no worker could tell of.

    Args:
        spec: what was asked for.
        attempt: how often it was tried.
        status: lost, timed out or out of memory.
        reason: what Ray said.
    """
    told = f"lost {attempt} workers: {reason}" if status is Status.LOST else reason
    return Outcome(
        TrialResult(
            spec=spec,
            status=status,
            reason=told,
            hyperparameters=spec.hyperparameters,
            cost=Cost(attempt=attempt),
            finished_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
    )


def creation_error(error: BaseException) -> str | None:
    """Why an actor's constructor raised, or None when its process simply died."""
    text = str(error)
    if _IN_CONSTRUCTOR not in text:
        return None
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # The last line of a traceback: the error's class, with its module, and its text.
    return re.sub(r"^(?:\w+\.)+(\w+): ", r"\1: ", lines[-1])[:300]


def one_line(error: BaseException) -> str:
    """An error's text in one line of bounded length."""
    return " ".join(str(error).split())[:300]
