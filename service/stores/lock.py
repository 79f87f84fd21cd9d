"""One driver per experiment: a lock that the kernel releases even when its holder is killed."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock, Timeout

from service.contracts.errors import ArchduelError, UserError
from service.database.engine import now


class InUse(UserError):
    """Another process holds the experiment."""


@contextmanager
def hold(home: Path, key: str) -> Iterator[None]:
    """Hold the experiment `key` for as long as the block runs.

    Args:
        home: archduel's home folder; the lock is `locks/<key>.lock` in it.
        key: the experiment's key (or any other name that only one process may hold).

    Raises:
        InUse: another process holds it; the message names that process.
        ArchduelError: the folder cannot be written or its file system has no locks.
    """
    path = _path(home, key)
    holder = path.with_suffix(".holder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Not per thread: who takes it and who gives it back may be two threads.
        lock = FileLock(path, thread_local=False)
        # A moment's patience: `is_held` of another process takes it to look.
        lock.acquire(timeout=0.2, poll_interval=0.02)
    except Timeout:
        who, pid = _who(holder)
        raise InUse(
            f"'{key}' is in use by {who}",
            hint=f"wait until it is done, or stop it{f' (kill {pid})' if pid else ''}",
        ) from None
    except (OSError, NotImplementedError) as error:
        raise ArchduelError(
            f"{path}: the lock could not be taken ({error}); put the home folder on a local disk "
            "that may be written"
        ) from error
    try:
        _sign(holder)
        yield
    finally:
        with suppress(OSError):
            holder.unlink()
        lock.release()


def is_held(home: Path, key: str) -> bool:
    """Whether a process holds the experiment `key` now; looking makes no file.

    Where that cannot be known, because the lock's file may not be opened, it counts as held.
    """
    path = _path(home, key)
    if not path.exists():
        return False
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError, NotImplementedError):
        return True
    lock.release()
    return False


def _path(home: Path, key: str) -> Path:
    return home / "locks" / f"{quote(key, safe='')}.lock"


def _sign(holder: Path) -> None:
    """Write who holds the lock, in a file of its own: taking the lock empties the lock's file.

    It is only read while the lock is held, so what a killed holder left behind misleads no one; and
    a disk too full for it takes nothing from the lock.
    """
    facts = {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": now(),
        "command": " ".join(sys.argv)[:500],
    }
    with suppress(OSError):
        holder.write_text(json.dumps(facts))


def _who(holder: Path) -> tuple[str, int | None]:
    try:
        facts = json.loads(holder.read_text())
        pid, host = int(facts["pid"]), str(facts["host"])
        text = f"process {pid} on {host} since {facts['since']} ({facts['command']})"
    except (OSError, ValueError, KeyError, TypeError):  # it took the lock this very moment
        return "another process", None
    return text, pid if host == socket.gethostname() else None
