"""Checkpoints as files in a folder on the driver's disk, written there by whoever sees that disk."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Folder:
    """A file for each trial; implements `service.contracts.ports.Checkpoints`.

    A file is complete or not there, whatever is killed. It is not forced onto the disk: after a
    power cut a damaged one is found out when it is read, and costs the time that it would save.

    Args:
        path: the folder; it is made with the first checkpoint.
    """

    path: Path

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

    def drop(self, trials: Iterable[str]) -> None:
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
