"""Migrations: they make the tables that the code uses, and lose nothing of what was there."""

import sqlite3
import threading

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from service.contracts.errors import ArchduelError, Unavailable, UserError
from service.database import migrate as migrating
from service.database.engine import Database
from service.database.migrate import HEAD, REVISIONS, VERSION_TABLE, found, migrate
from service.queue import tables as queue_tables
from service.stores import ledger_tables

OLD_LEDGER = """
CREATE TABLE archduel_schema (version INTEGER NOT NULL, PRIMARY KEY (version));
CREATE TABLE archduel_experiment (
    id INTEGER NOT NULL, name VARCHAR(200) NOT NULL, generation INTEGER NOT NULL,
    "key" VARCHAR(220) NOT NULL, uuid VARCHAR(32) NOT NULL, protocol VARCHAR(64) NOT NULL,
    "plan" TEXT NOT NULL, facts TEXT NOT NULL, verdicts TEXT NOT NULL, state VARCHAR(20) NOT NULL,
    planned INTEGER NOT NULL, started VARCHAR(40) NOT NULL, updated VARCHAR(40) NOT NULL,
    PRIMARY KEY (id), UNIQUE (name, generation), UNIQUE ("key"), UNIQUE (uuid));
CREATE TABLE archduel_session (
    id INTEGER NOT NULL, experiment_id INTEGER NOT NULL, started VARCHAR(40) NOT NULL,
    facts TEXT NOT NULL, PRIMARY KEY (id),
    FOREIGN KEY(experiment_id) REFERENCES archduel_experiment (id));
CREATE INDEX ix_archduel_session_experiment_id ON archduel_session (experiment_id);
CREATE TABLE archduel_trial (
    "row" INTEGER NOT NULL, experiment_id INTEGER NOT NULL, trial VARCHAR(64) NOT NULL,
    pair VARCHAR(200) NOT NULL, variant VARCHAR(200) NOT NULL, stage VARCHAR(20) NOT NULL,
    repetition INTEGER NOT NULL, number INTEGER NOT NULL, status VARCHAR(20) NOT NULL,
    model VARCHAR(300), result TEXT NOT NULL, PRIMARY KEY ("row"), UNIQUE (experiment_id, trial),
    FOREIGN KEY(experiment_id) REFERENCES archduel_experiment (id));
CREATE TABLE archduel_outbox (
    experiment_id INTEGER NOT NULL, trial VARCHAR(64) NOT NULL, target VARCHAR(500) NOT NULL,
    run_id VARCHAR(64), synced_at VARCHAR(40), PRIMARY KEY (experiment_id, trial, target),
    FOREIGN KEY(experiment_id) REFERENCES archduel_experiment (id));
INSERT INTO archduel_schema VALUES (1);
INSERT INTO archduel_experiment VALUES
    (1, 'iris', 1, 'iris', 'abc', 'p', '{}', '{}', '{}', 'finished', 3, 'then', 'later');
INSERT INTO archduel_session VALUES (1, 1, 'then', '{}');
INSERT INTO archduel_trial VALUES
    (1, 1, 't1', 'iris', 'sequential', 'search', 0, 0, 'ok', NULL, '{"score": 0.5}');
INSERT INTO archduel_outbox VALUES (1, 't1', 'there', 'run', 'then');
"""


def differences(database):
    """What the migrated tables lack of the code's, or have beyond them."""
    wanted = sa.MetaData()
    for source in (ledger_tables.metadata, queue_tables.metadata):
        for table in source.sorted_tables:
            table.to_metadata(wanted)
    with database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        return compare_metadata(context, wanted)


def test_the_migrations_make_the_tables_of_the_code(database):
    assert found(database) is None
    assert migrate(database) == (None, HEAD)
    assert differences(database) == []
    assert migrate(database) == (HEAD, HEAD)


def test_the_list_of_revisions_is_that_of_the_scripts():
    scripts = ScriptDirectory(str(migrating._SCRIPTS))
    assert [script.revision for script in scripts.walk_revisions()][::-1] == list(REVISIONS)
    assert scripts.get_heads() == [HEAD]


def test_a_ledger_of_before_migrations_is_taken_over_whole(tmp_path):
    file = tmp_path / "ledger.db"
    with sqlite3.connect(file) as connection:
        connection.executescript(OLD_LEDGER)
    tables = ("experiment", "session", "trial", "outbox")
    queries = [f"SELECT * FROM archduel_{name}" for name in tables]
    before = [connection.execute(query).fetchall() for query in queries]
    connection.close()
    database = Database(f"sqlite:///{file}")
    assert migrate(database) == (None, HEAD)
    assert differences(database) == []
    with database.reading() as later:
        after = [[tuple(row) for row in later.exec_driver_sql(query)] for query in queries]
    assert after == before
    assert all(after)


def test_many_processes_may_migrate_at_once(database):
    ends = []

    def one():
        other = Database(database.url.render_as_string(hide_password=False))
        ends.append(migrate(other)[1])
        other.close()

    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends == [HEAD] * 4
    assert differences(database) == []


def test_a_failure_changes_nothing(database, monkeypatch):
    real = sa.inspect

    class Broken(RuntimeError):
        pass

    def fail(*args, **kwargs):
        real(database.engine)
        raise Broken

    monkeypatch.setattr("alembic.op.create_index", fail)
    with pytest.raises(Broken):
        migrate(database)
    assert sa.inspect(database.engine).get_table_names() == []


def test_a_newer_database_is_refused(database):
    migrate(database)
    with database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(UserError, match="newer archduel wrote this database"):
        migrate(database)


def test_a_server_that_is_not_there_is_told_as_passing():
    database = Database("postgresql://me:secret@127.0.0.1:1/db")
    with pytest.raises(Unavailable) as caught:
        migrate(database)
    assert "does not answer" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_server_that_comes_back_is_used_again(postgres_of_my_own):
    database = Database(postgres_of_my_own.database(), patience_seconds=30)
    migrate(database)
    postgres_of_my_own.kill()
    impatient = Database(database.url.render_as_string(hide_password=False))
    with pytest.raises(ArchduelError):
        found(impatient)
    back = threading.Thread(target=postgres_of_my_own.start)
    back.start()
    assert found(database) == HEAD
    back.join()
    assert found(impatient) == HEAD
