"""The product from outside: its command line, its files, its MLflow store."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CONFIG = """\
experiment: small
pairs: [iris]
search: {trials: 4, epochs: 4, batch: 2}
design: {repetitions: [3], retrain: 2, seed: 5}
"""


@dataclass
class Product:
    """`archduel` with a home folder of its own.

    Args:
        home: the folder.
        config: what `run` runs.
        document: what the last `run` printed.
    """

    home: Path
    config: Path
    document: dict[str, Any] = field(default_factory=dict)

    def command(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).parent / "archduel"), *arguments, "--home", str(self.home)]

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self.command(*arguments), capture_output=True, text=True, timeout=800, check=False
        )

    def run(self, *arguments: str) -> dict[str, Any]:
        """`archduel run --json`, which must succeed."""
        done = self.call("run", str(self.config), "--json", *arguments)
        assert done.returncode == 0, done.stderr
        self.document = json.loads(done.stdout)
        return self.document

    def run_and_kill(
        self, trials: int, *arguments: str, by: signal.Signals = signal.SIGKILL
    ) -> int:
        """Start a run, send the driver a signal once the ledger has this many trials.

        Returns the exit code, as a shell tells it for a process that a signal killed (-9).
        """
        with (self.home / "killed.log").open("a") as log:
            process = subprocess.Popen(
                self.command("run", str(self.config), *arguments), stdout=log, stderr=log
            )
            deadline = time.monotonic() + 400
            while len(self.numbers()) < trials and time.monotonic() < deadline:
                assert process.poll() is None, "the run ended before it could be killed"
                time.sleep(0.05)
            os.kill(process.pid, by)
            return process.wait(timeout=120)

    def numbers(self) -> dict[str, dict[str, Any]]:
        """Everything in the ledger that the plan decides, by trial: timings left out."""
        file = self.home / "ledger.db"
        if not file.exists():
            return {}
        connection = sqlite3.connect(file, timeout=20)
        try:
            rows = connection.execute("select trial, result from archduel_trial").fetchall()
        except sqlite3.OperationalError:
            return {}  # The tables are being made.
        finally:
            connection.close()
        documents = {identity: json.loads(text) for identity, text in rows}
        for document in documents.values():
            del document["cost"], document["finished_at"]
        return documents

    def mlflow(self) -> list[Any]:
        """All trial runs in the local MLflow store."""
        return runs_of(f"sqlite:///{self.home / 'mlflow' / 'mlflow.db'}")

    def everything_is_in_mlflow_once(self, runs: list[Any] | None = None) -> None:
        """Every trial of the ledger, and nothing that is still running."""
        runs = self.mlflow() if runs is None else runs
        trials = Counter(
            r.data.tags["archduel.trial"] for r in runs if "archduel.trial" in r.data.tags
        )
        assert set(trials) == set(self.numbers())
        assert set(trials.values()) == {1}
        assert "RUNNING" not in {r.info.status for r in runs}


def runs_of(uri: str) -> list[Any]:
    """All runs of an MLflow server or store."""
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    identities = [one.experiment_id for one in client.search_experiments()]
    return list(client.search_runs(identities, max_results=5000))


@pytest.fixture(scope="session")
def make_product(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Makes products with new home folders."""

    def make(config: str = CONFIG) -> Product:
        folder = tmp_path_factory.mktemp("product")
        (folder / "home").mkdir()
        (folder / "config.yaml").write_text(config)
        return Product(folder / "home", folder / "config.yaml")

    return make


@pytest.fixture(scope="session")
def undisturbed(make_product: Any) -> Product:
    """A run that nothing went wrong with, in one process."""
    product: Product = make_product()
    product.run("--executor", "inline")
    return product
