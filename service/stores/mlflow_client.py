"""Opening an MLflow client that is quiet, answers soon, and never sends a request twice."""

from __future__ import annotations

import logging
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from filelock import FileLock, Timeout

from service.contracts.errors import ArchduelError

_SECONDS = "10"
_CREATION_SECONDS = 120.0  # how long to wait for another process that creates the store
_NOISY = ("alembic", "mlflow.store.db.utils", "mlflow.tracking", "urllib3.connectionpool")


def open_client(tracking_uri: str) -> Any:
    """An `MlflowClient` for this address; the process's global tracking address is left alone.

    MLflow's settings are read from the environment, so they are set there: its usage reports and
    hints are off, a request that is not answered within 10 s fails (MLFLOW_HTTP_REQUEST_TIMEOUT
    changes that), and no failed request is sent again by itself. MLflow would repeat even the
    creation of a run, which might have succeeded unheard; the outbox looks first.
    """
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    for name, value in (
        ("MLFLOW_HTTP_REQUEST_TIMEOUT", _SECONDS),
        ("MLFLOW_DISABLE_TELEMETRY", "true"),
        ("DO_NOT_TRACK", "true"),
        ("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true"),
        ("GIT_PYTHON_REFRESH", "quiet"),
    ):
        os.environ.setdefault(name, value)
    file = sqlite_file(tracking_uri)
    if file is not None:
        _make_folder(file.parent)
    from mlflow import MlflowClient

    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.ERROR)
    if file is not None:
        create_store(file)
    return MlflowClient(tracking_uri=tracking_uri)


def create_store(file: Path) -> None:
    """Create MLflow's SQLite store in one step, if it is not there.

    MLflow creates a store with dozens of migrations, each of several transactions: killed in
    between, or on a full disk, it leaves a store that no later start can use or repair. So a
    store is made under another name and appears whole or not at all.

    Args:
        file: where it is to be; its folder exists.

    Raises:
        ArchduelError: another process has been creating it for too long, or it cannot be locked.
    """
    if file.exists():
        return
    lock = FileLock(file.with_name(f"{file.name}.lock"), thread_local=False)
    try:
        lock.acquire(timeout=_CREATION_SECONDS)
    except (Timeout, OSError, NotImplementedError) as error:
        raise ArchduelError(f"{file}: MLflow's store cannot be created ({error})") from error
    part = file.with_name(f"{file.name}.{os.getpid()}.{uuid4().hex}.part")
    try:
        if file.exists():  # another process was first
            return
        # Whoever left parts here is dead, because we hold the lock. A journal without its database
        # would be played into the new one.
        for left in (*file.parent.glob(f"{file.name}.*.part*"), *_journals(file)):
            left.unlink(missing_ok=True)
        _fill(part)
        part.replace(file)
    finally:
        for left in (part, *_journals(part)):
            left.unlink(missing_ok=True)
        lock.release()


def is_remote(tracking_uri: str) -> bool:
    """Whether a tracking server answers there, which then knows best where artifacts go."""
    return tracking_uri.startswith(("http://", "https://"))


def redacted(uri: str) -> str:
    """The address without user and password, to be shown and stored."""
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    # urlunsplit would drop the empty host of "sqlite:////path".
    return uri if host == parts.netloc else urlunsplit(parts._replace(netloc=host))


def sqlite_file(tracking_uri: str) -> Path | None:
    """The file of a SQLite tracking store, None for any other address."""
    prefix = "sqlite:///"
    return Path(tracking_uri[len(prefix) :]) if tracking_uri.startswith(prefix) else None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ArchduelError(
            f"{folder}: MLflow's folder cannot be made ({error.strerror})"
        ) from error


def _journals(file: Path) -> list[Path]:
    return [file.with_name(f"{file.name}-{end}") for end in ("wal", "shm", "journal")]


def _fill(file: Path) -> None:
    """Make the tables, and put the file into WAL mode, which it remembers.

    A run costs MLflow six commits, each with two or three fsyncs in SQLite's default mode, and a
    reader (`mlflow ui`) would block the writer.
    """
    from mlflow.store.db import utils

    # Not through a store of MLflow's: those keep their engines for as long as the process lives.
    engine = utils.create_sqlalchemy_engine(f"sqlite:///{file}")
    try:
        utils._initialize_tables(engine)
    finally:
        engine.dispose()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
