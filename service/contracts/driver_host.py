"""What the dispatcher asks of whatever runs drivers: Ray's jobs, or a stand-in in tests."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class JobState(StrEnum):
    """How a driver's process stands."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Job:
    """A driver's process.

    Args:
        state: how it stands.
        message: what its host says about it, in one line.
    """

    state: JobState
    message: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing of it is left."""
        return self.state not in {JobState.WAITING, JobState.RUNNING}


class DriverHost(Protocol):
    """Starts and stops drivers. Every call raises `Unavailable` where the host does not answer."""

    def check(self) -> None:
        """See whether it answers."""
        ...

    def start(self, job: str, entry: str, attempt: int) -> None:
        """Start the driver of an entry; a job of this name that is known is left as it is."""
        ...

    def status(self, job: str) -> Job | None:
        """How a job stands; None where the host does not know it."""
        ...

    def stop(self, job: str) -> None:
        """Have a job end soon, with all its processes; one that has ended, or is unknown, is fine."""
        ...

    def forget(self, job: str) -> None:
        """Drop what the host keeps of a job that has ended; its log is gone then."""
        ...

    def logs(self, job: str) -> str:
        """What it wrote so far; "" where the host does not know it."""
        ...
