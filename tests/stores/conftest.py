"""Fixtures of the stores' tests."""

import shutil
import sqlite3

import pytest

from service.stores.ledger import LedgerStore
from tests.stores.mlflow_rig import Server


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def store(url):
    store = LedgerStore(url)
    yield store
    store.close()


@pytest.fixture(scope="session")
def mlflow_template(tmp_path_factory):
    """An empty MLflow database: creating one takes seconds, copying one does not."""
    from service.stores.mlflow_client import open_client

    file = tmp_path_factory.mktemp("template") / "mlflow.db"
    open_client(f"sqlite:///{file}")
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return file


@pytest.fixture
def tracking(tmp_path, mlflow_template):
    """The address of an empty MLflow store of the test's own."""
    file = tmp_path / "mlflow" / "mlflow.db"
    file.parent.mkdir()
    shutil.copy(mlflow_template, file)
    return f"sqlite:///{file}"


@pytest.fixture(scope="module")
def booting_server(tmp_path_factory, mlflow_template):
    """An `mlflow server` that starts while other tests run."""
    server = Server(tmp_path_factory.mktemp("server"), mlflow_template)
    yield server
    server.stop()


@pytest.fixture
def server(booting_server):
    """A running `mlflow server`, shared by the module's tests."""
    return booting_server.wait()
