"""Brings a database up to the tables of this archduel (alembic), or says that it is another's.

`archduel run` opens a ledger often and must start fast: whether a database is up to date is told by
one row, and alembic is loaded only where something is to be done.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from service.contracts.errors import UserError
from service.database.engine import Database

VERSION_TABLE = "archduel_version"
"""Of our own: MLflow may keep its `alembic_version` in the same PostgreSQL database."""

REVISIONS = ("0001", "0002")
"""All migrations, in their order; a test holds that they are those in `migrations/versions`."""

HEAD = REVISIONS[-1]

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x617263686475656C  # "archduel" as a number: one migration at a time on PostgreSQL


def found(database: Database) -> str | None:
    """The database's revision; None where it has none, be it empty or of before migrations.

    Raises:
        UserError: a newer archduel wrote it.
        Unavailable: it does not answer.
    """
    with database.reading() as connection:
        return _found(connection, database.place)


def migrate(database: Database) -> tuple[str | None, str]:
    """Make or change the tables until they are those of this archduel; nothing recorded is lost.

    Several processes may call it at once. It is one transaction: a failure changes nothing.

    Returns:
        The revision before and after.

    Raises:
        UserError: a newer archduel wrote the database.
        Unavailable: it does not answer, or has no room.
    """
    before = found(database)
    if before == HEAD:
        return before, HEAD
    from alembic.command import upgrade
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.set_main_option("path_separator", "os")
    with database.writing() as connection:
        if not database.is_sqlite:  # SQLite's writer holds the only lock that there is
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        before = _found(connection, database.place)
        config.attributes["connection"] = connection
        upgrade(config, "head")
    return before, HEAD


def _found(connection: Connection, place: str) -> str | None:
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    table = sa.table(VERSION_TABLE, sa.column("version_num", sa.String))
    revision: str | None = connection.scalar(sa.select(table.c.version_num))
    if revision is not None and revision not in REVISIONS:
        raise UserError(
            f"a newer archduel wrote this database (revision {revision}; this one knows {HEAD})",
            file=place,
            hint="upgrade archduel, or point it at another home folder",
        )
    return revision
