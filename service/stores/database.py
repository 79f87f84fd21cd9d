"""The ledger's tables, its engine, and what database errors mean to people.

SQLite is used so that it keeps what it was told: WAL, so that readers never wait for the writer;
`synchronous=FULL`, because in WAL mode NORMAL may lose the last commits in a power cut
(https://www.sqlite.org/pragma.html#pragma_synchronous) and a lost trial may be an hour of training,
while one more fsync for a whole batch of results costs a few milliseconds. Statements are portable:
PostgreSQL needs its driver and nothing else.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from service.contracts.errors import ArchduelError, UserError

SCHEMA_VERSION = 1
_DIALECTS = ("sqlite", "postgresql")

metadata = sa.MetaData()

schema = sa.Table(
    "archduel_schema",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
)
experiment = sa.Table(
    "archduel_experiment",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("generation", sa.Integer, nullable=False),
    sa.Column("key", sa.String(220), nullable=False, unique=True),
    sa.Column("uuid", sa.String(32), nullable=False, unique=True),
    sa.Column("protocol", sa.String(64), nullable=False),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("verdicts", sa.Text, nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("planned", sa.Integer, nullable=False),
    sa.Column("started", sa.String(40), nullable=False),
    sa.Column("updated", sa.String(40), nullable=False),
    sa.UniqueConstraint("name", "generation"),
)
session = sa.Table(
    "archduel_session",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("experiment_id", sa.ForeignKey("archduel_experiment.id"), nullable=False, index=True),
    sa.Column("started", sa.String(40), nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
)
trial = sa.Table(
    "archduel_trial",
    metadata,
    # The order of recording: what is new since a reader last looked has a higher row.
    sa.Column("row", sa.Integer, primary_key=True),
    sa.Column("experiment_id", sa.ForeignKey("archduel_experiment.id"), nullable=False),
    sa.Column("trial", sa.String(64), nullable=False),
    sa.Column("pair", sa.String(200), nullable=False),
    sa.Column("variant", sa.String(200), nullable=False),
    sa.Column("stage", sa.String(20), nullable=False),
    sa.Column("repetition", sa.Integer, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("model", sa.String(300)),
    sa.Column("result", sa.Text, nullable=False),
    sa.UniqueConstraint("experiment_id", "trial"),
)
outbox = sa.Table(
    "archduel_outbox",
    metadata,
    sa.Column("experiment_id", sa.ForeignKey("archduel_experiment.id"), primary_key=True),
    sa.Column("trial", sa.String(64), primary_key=True),
    # Where it is copied to: another tracking server is another copy.
    sa.Column("target", sa.String(500), primary_key=True),
    sa.Column("run_id", sa.String(64)),
    sa.Column("synced_at", sa.String(40)),
)


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

    Raises:
        UserError: the address is not one of SQLite (in a file) or PostgreSQL.
    """

    def __init__(self, url: str, *, busy_seconds: float = 20.0) -> None:
        self.url = _checked(url)
        self.place = place(self.url)
        sqlite = self.url.get_backend_name() == "sqlite"
        try:
            self.engine = sa.create_engine(
                self.url, connect_args={"timeout": busy_seconds} if sqlite else {}
            )
        except ImportError as error:
            raise UserError(
                f"the ledger's database driver must be installed ({error})", value=self.place
            ) from error
        if sqlite:
            _prepare_sqlite(self.engine)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database."""
        with self.explained(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is durable when the block ends, and undone when it raises."""
        with self.explained(), self.engine.execution_options(writes=True).begin() as connection:
            yield connection

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn a database's errors into one line that names the file and what to do."""
        try:
            yield
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise ArchduelError(explain(error, self.place)) from error

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

    def create(self) -> None:
        """Create the tables where they are missing.

        Raises:
            UserError: a newer archduel wrote this ledger.
        """
        with self.writing() as connection:
            # SQLite's tables are created inside the write lock, so that two processes can start.
            metadata.create_all(connection)
            self.add(schema, [{"version": SCHEMA_VERSION}], connection)
            found = connection.scalar(sa.select(sa.func.max(schema.c.version)))
        if found is not None and found > SCHEMA_VERSION:
            raise UserError(
                f"a newer archduel wrote this ledger (schema {found}; this one knows "
                f"{SCHEMA_VERSION})",
                file=self.place,
                hint="upgrade archduel, or point it at another home folder",
            )


def explain(error: Exception, where: str) -> str:
    """One line about a database error: the file, what is wrong, what to do."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    text = " ".join(str(cause).split())
    low = text.lower()
    for signs, meaning in _MEANINGS.items():
        if any(sign in low for sign in signs):
            return f"{where}: {meaning} ({text})"
    return f"{where}: the ledger could not be used: {text}"


_MEANINGS = {
    ("database or disk is full", "disk i/o error", "no space left", "disk full"): (
        "the disk is full or failing; free some space and run again: all that was recorded is kept"
    ),
    ("database is locked", "database table is locked"): (
        "another process keeps the ledger locked; wait for it or stop it, then run again"
    ),
    ("not a database", "malformed", "corrupt"): (
        "the file is damaged or is not a ledger; put a backup in its place, or move it away "
        "to start anew"
    ),
    ("unable to open database file",): (
        "the file cannot be opened; check that its folder exists and may be written"
    ),
    ("readonly database", "read-only", "permission denied"): (
        "the ledger may not be written; check the file's permissions and its folder's"
    ),
    ("no such column", "no such table"): (
        "the file is not a ledger of this version; move it away to start anew"
    ),
}


def _checked(url: str) -> URL:
    try:
        parsed = sa.make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, NoSuchModuleError) as error:
        raise UserError("the ledger's address must be a SQLAlchemy URL", value=url) from error
    if backend not in _DIALECTS:
        raise UserError(f"the ledger must be one of {', '.join(_DIALECTS)}", value=place(parsed))
    if backend == "sqlite" and (parsed.database or ":memory:") == ":memory:":
        raise UserError("the ledger must be a file: what is in memory dies with us", value=url)
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
