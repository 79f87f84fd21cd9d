"""Checkpoints as files in a folder on the driver's disk, written there by whoever sees that disk."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from service.contracts.ports import Checkpoints
from service.contracts.results import Outcome, TrialResult
from service.contracts.trial import Status

CHECKPOINT_SECONDS = 60.0
"""How long a trial trains before it leaves its first checkpoint, and between two."""


class Store(Checkpoints, Protocol):
    """Checkpoints as an executor sees them."""

    def drop(self, trials: Sequence[str]) -> None:
        """Forget the checkpoints of these trials, if they have any."""
        ...

    def known(self) -> set[str]:
        """The trials that have one."""
        ...


@dataclass(frozen=True)
class Folder:
    """A file for each trial; implements `service.contracts.ports.Checkpoints`.

    A file is complete or not there, whatever is killed. It is not forced onto the disk: after a
    power cut a damaged one is found out when it is read, and costs the time that it would save.

    Args:
        path: the folder; it is made with the first checkpoint.
        seconds: of training between two checkpoints.
    """

    path: Path
    seconds: float = CHECKPOINT_SECONDS

    def load(self, trial: str) -> bytes | None:
        try:
            return (self.path / trial).read_bytes()
        except FileNotFoundError:
            return None

    def save(self, trial: str, content: bytes) -> None:
        part = self.path / f"{trial}.{os.getpid()}.part"
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(content)
            part.replace(self.path / trial)
        except OSError:
            with suppress(OSError):
                part.unlink()
            raise

    def drop(self, trials: Sequence[str]) -> None:
        """Forget the checkpoints of these trials, if they have any."""
        for trial in trials:
            with suppress(OSError):
                (self.path / trial).unlink()

    def known(self) -> set[str]:
        """The trials that have one; what was being written when its writer died is removed."""
        try:
            found = list(self.path.iterdir())
        except OSError:
            return set()
        for part in found:
            if part.suffix == ".part":
                with suppress(OSError):
                    part.unlink()
        return {one.name for one in found if not one.suffix}


class Shelf:
    """What an executor has to do with checkpoints: who may have one, and when it is not needed.

    Args:
        store: where they are; None where none are kept.
        say: hears, once, that one could not be kept.
    """

    def __init__(self, store: Store | None, say: Callable[[str], None]) -> None:
        self._store = store
        self._say = say
        self._left = set() if store is None else store.known()
        self._returned: list[str] = []
        self._said = False

    def may_have(self, trial: str, attempt: int) -> bool:
        """Whether an earlier attempt may have left one, in this run or in one that was killed."""
        return self._store is not None and (attempt > 1 or trial in self._left)

    def returned(self, outcomes: Sequence[Outcome]) -> None:
        """These are being recorded."""
        for outcome in outcomes:
            if outcome.note is not None and not self._said:
                self._said = True
                self._say(outcome.note)
            if self._store is not None and self._may_have_left(outcome.result):
                self._returned.append(outcome.result.spec.id)

    def recorded(self) -> None:
        """All that was returned is recorded: its checkpoints are not needed any more."""
        if self._store is not None and self._returned:
            self._store.drop(self._returned)
            self._returned = []

    def _may_have_left(self, result: TrialResult) -> bool:
        assert self._store is not None
        ended = result.status in (Status.OK, Status.PRUNED)
        long = not ended or result.cost.train_seconds >= self._store.seconds
        return long or self.may_have(result.spec.id, result.cost.attempt)
