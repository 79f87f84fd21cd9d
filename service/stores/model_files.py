"""Trained models as files: complete and durable, or not there."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from service.contracts.errors import Unavailable


def write_durably(path: Path, content: bytes) -> None:
    """Write a file so that no one ever sees half of it, and no power cut takes it back.

    Raises:
        Unavailable: it cannot be written; nothing is left behind.
    """
    part = path.with_suffix(f".{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise Unavailable(
            f"{path}: the model could not be kept ({error.strerror}); free some space or check "
            "the folder's permissions, then run again"
        ) from error


def _sync_folder(folder: Path) -> None:
    """Make a rename in this folder survive a power cut; Windows neither needs nor allows it."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
