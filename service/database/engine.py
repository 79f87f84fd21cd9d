"""A database's engine and transactions, and what its errors mean to people.

SQLite is used so that it keeps what it was told: WAL, so that readers never wait for the writer;
`synchronous=FULL`, because in WAL mode NORMAL may lose the last commits in a power cut
(https://www.sqlite.org/pragma.html#pragma_synchronous) and a lost trial may be an hour of training,
while one more fsync for a whole batch of results costs a few milliseconds.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, SQLAlchemyError

from service.contracts.errors import UserError
from service.database.explain import explain

_DIALECTS = ("sqlite", "postgresql")
_FIRST_WAIT = 0.1
_LONGEST_WAIT = 2.0


def now() -> str:
    """The time in UTC, ISO 8601, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def place(url: URL) -> str:
    """What to call this database in a message: its file, or its address without the password."""
    return url.database if url.drivername.startswith("sqlite") and url.database else str(url)


class Database:
    """An engine with a reading and a writing transaction, whose errors say what to do.

    Args:
        url: a SQLAlchemy address, "sqlite:///path/ledger.db" or "postgresql+psycopg://...".
        busy_seconds: how long a writer waits for another process's transaction.
        patience_seconds: how long a transaction waits to begin for a server that does not answer,
            or for another process.

    Raises:
        UserError: the address is not one of SQLite (in a file) or PostgreSQL.
    """

    def __init__(
        self, url: str, *, busy_seconds: float = 20.0, patience_seconds: float = 0.0
    ) -> None:
        self.url = _checked(url)
        self.place = place(self.url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self._patience = patience_seconds
        # SQLite's writers do not queue: of many threads one may starve. Here each has its turn.
        self._turn: AbstractContextManager[Any] = Lock() if self.is_sqlite else nullcontext()
        options: dict[str, Any] = (
            {"connect_args": {"timeout": max(busy_seconds, patience_seconds)}}
            if self.is_sqlite
            # A connection that died with its server is replaced where it is taken up.
            else {"pool_pre_ping": True, "connect_args": {"connect_timeout": 5}}
        )
        try:
            self.engine = sa.create_engine(self.url, pool_size=20, max_overflow=30, **options)
        except ImportError as error:
            raise UserError(
                f"the database's driver must be installed ({error})", value=self.place
            ) from error
        if self.is_sqlite:
            _prepare_sqlite(self.engine)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database."""
        with self.explained(), self._connected(self._reader()) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is durable when the block ends, and undone when it raises."""
        writer = self.engine.execution_options(writes=True)
        with (
            self._turn,
            self.explained(),
            self._connected(writer) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn a database's errors into one line that names the file and what to do."""
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise explain(error, self.place) from error

    def add(self, into: sa.Table, rows: Sequence[Mapping[str, Any]], using: Connection) -> None:
        """Insert rows, leaving those that exist already as they are."""
        if not rows:
            return
        insert: Any
        if using.dialect.name == "postgresql":
            from sqlalchemy.dialects.postgresql import insert
        else:
            from sqlalchemy.dialects.sqlite import insert
        using.execute(insert(into).on_conflict_do_nothing(), [dict(row) for row in rows])

    def clock(self, connection: Connection) -> float:
        """Seconds since 1970 by the one clock that all users of this database share."""
        if self.is_sqlite:
            return time.time()
        seconds = sa.func.extract("epoch", sa.func.clock_timestamp())
        return float(connection.execute(sa.select(seconds)).scalar_one())

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def _reader(self) -> Engine:
        if self.is_sqlite:
            return self.engine
        return self.engine.execution_options(isolation_level="REPEATABLE READ")

    def _connected(self, engine: Engine) -> Connection:
        deadline = time.monotonic() + self._patience
        pause = _FIRST_WAIT
        while True:
            try:
                return engine.connect()
            except OperationalError:
                if time.monotonic() + pause > deadline:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_WAIT)


def _checked(url: str) -> URL:
    try:
        parsed = sa.make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError) as error:
        raise UserError("the database's address must be a SQLAlchemy URL") from error
    if backend not in _DIALECTS:
        raise UserError(f"the database must be one of {', '.join(_DIALECTS)}", value=place(parsed))
    if backend == "sqlite" and (parsed.database or ":memory:") == ":memory:":
        raise UserError("the database must be a file: what is in memory dies with us", value=url)
    if parsed.drivername == "postgresql":  # as operators write it
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed


def _prepare_sqlite(engine: Engine) -> None:
    """Take transactions into our own hands (https://docs.sqlalchemy.org/en/20/dialects/sqlite.html,
    "Enabling Non-Legacy SQLite Transactional Modes"): a writer takes the lock when it begins, so
    that what it reads cannot change before it writes."""

    def connect(connection: Any, record: Any) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    sa.event.listen(engine, "connect", connect)
    sa.event.listen(engine, "begin", begin)
