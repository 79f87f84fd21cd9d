"""MLflow's store appears whole or not at all, whenever its creation is cut short."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

from service.stores.mlflow_client import create_store, open_client

# Importing MLflow takes seconds: it is done once, each creation is a process forked from there.
CREATE = """
import os, sys
from pathlib import Path
from service.stores.mlflow_client import create_store
import mlflow.store.db.utils
for line in sys.stdin:
    process = os.fork()
    if not process:
        create_store(Path(sys.argv[1]))
        os._exit(0)
    print(process, flush=True)
    print(os.WTERMSIG(os.waitpid(process, 0)[1]), flush=True)
"""


@pytest.fixture
def creator(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", CREATE, tmp_path / "mlflow.db"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        yield process


def tables(file):
    with closing(sqlite3.connect(file)) as connection:
        return connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]


def test_killed_while_creating_it_is_created_by_the_next(tmp_path, creator):
    file = tmp_path / "mlflow.db"
    for wanted in (1, 40):  # among the first tables; among the migrations
        creator.stdin.write("create\n")
        pid = int(creator.stdout.readline())
        end = time.monotonic() + 30
        while time.monotonic() < end:
            part = list(tmp_path.glob(f"mlflow.db.{pid}.*.part"))
            if part and part[0].stat().st_size and tables(part[0]) >= wanted:
                break
            time.sleep(0.005)
        os.kill(pid, signal.SIGKILL)
        assert int(creator.stdout.readline()) == signal.SIGKILL  # it was not done by then
        assert not file.exists()
        left = {path.name.split(".")[2] for path in tmp_path.glob("*.part*")}
        assert left == {str(pid)}  # its own, and none of the one killed before
    creator.stdin.close()
    (tmp_path / "mlflow.db-wal").write_bytes(b"of a store that was moved away")
    client = open_client(f"sqlite:///{file}")
    assert client.get_experiment_by_name("Default") is not None
    client.create_experiment("after")
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert not list(tmp_path.glob("*.part*"))


def test_two_at_once_make_one_store(tmp_path, monkeypatch):
    file = tmp_path / "mlflow.db"
    made = []

    def fill(part):
        made.append(part)
        time.sleep(0.3)
        part.write_text("whole")

    monkeypatch.setattr("service.stores.mlflow_client._fill", fill)
    both = [threading.Thread(target=create_store, args=(file,)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(20)
    assert len(made) == 1
    assert file.read_text() == "whole"


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    file = tmp_path / "mlflow.db"

    def fill(part):
        part.write_text("half")
        part.with_name(f"{part.name}-journal").write_text("half")
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr("service.stores.mlflow_client._fill", fill)
    for _ in range(2):
        with pytest.raises(sqlite3.OperationalError, match="full"):
            create_store(file)
        assert {path.name for path in tmp_path.iterdir()} <= {"mlflow.db.lock"}
