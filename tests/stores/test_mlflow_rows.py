"""Runs written as rows are the runs that MLflow's client writes."""

import shutil
import sqlite3

import pytest
from sqlalchemy.exc import OperationalError

from service.contracts.results import Outcome
from service.stores import mlflow_sender
from service.stores.mlflow_outbox import Outbox, OutboxState
from service.stores.mlflow_rows import RowWriter
from tests.stores.store_factories import a_plan, a_result, outcomes

TABLES = ("runs", "tags", "params", "metrics", "latest_metrics")


@pytest.fixture
def ledger(store):
    ledger = store.open_experiment(a_plan(), {})
    ends = [Outcome(a_result(30, status="diverged")), Outcome(a_result(31, status="pruned"))]
    ledger.record([*outcomes(5), *ends, Outcome(a_result(0, stage="retrain"))])
    return ledger


def contents(tracking):
    """Every row of each table by trial, without the ids that are drawn."""
    with sqlite3.connect(tracking.removeprefix("sqlite:///")) as connection:
        connection.row_factory = sqlite3.Row
        trials = {
            row["run_uuid"]: row["value"]
            for row in connection.execute("SELECT * FROM tags WHERE key = 'archduel.trial'")
        }
        found = {}
        for table in TABLES:
            for row in connection.execute(f"SELECT * FROM {table}"):
                if row["run_uuid"] not in trials:
                    continue  # a parent
                values = dict(row, run_uuid=trials[row["run_uuid"]])
                if "artifact_uri" in values:
                    values["artifact_uri"] = values["artifact_uri"].rsplit("/", 2)[2]
                if values.get("key") == "mlflow.parentRunId":
                    values["value"] = "parent"
                found.setdefault(table, []).append(tuple(sorted(values.items(), key=str)))
    return {table: sorted(rows, key=str) for table, rows in found.items()}


def test_the_rows_are_those_of_the_client(ledger, tracking, tmp_path, monkeypatch):
    other = tmp_path / "client" / "mlflow.db"
    other.parent.mkdir()
    shutil.copy(tracking.removeprefix("sqlite:///"), other)
    assert Outbox(ledger, tracking).flush().sent == 8
    monkeypatch.setattr(mlflow_sender, "sqlite_file", lambda uri: None)
    assert Outbox(ledger, f"sqlite:///{other}").flush().sent == 8
    by_rows, by_client = contents(tracking), contents(f"sqlite:///{other}")
    assert len(by_rows["runs"]) == 8
    for table in TABLES:
        assert by_rows[table] == by_client[table], table


def test_where_the_tables_refuse_the_client_writes(ledger, tracking, monkeypatch):
    def refuse(self, documents):
        raise OperationalError("INSERT", {}, Exception("no such column"))

    monkeypatch.setattr(RowWriter, "write", refuse)
    assert Outbox(ledger, tracking).flush() == OutboxState(sent=8, waiting=0, last_error=None)
    assert len(contents(tracking)["runs"]) == 8
