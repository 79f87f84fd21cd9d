"""From a config to its report, through every part, undisturbed and disturbed."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(900)

TRAININGS = 3 * (2 * 4 + 2 * 2 + 1)


def same(found: Any, expected: Any) -> None:
    """Equal numbers in the ledger, equal verdict, equal tables: timings aside."""
    assert found.numbers() == expected.numbers()
    for one, other in zip(verdicts(found), verdicts(expected), strict=True):
        assert one == other


def verdicts(product: Any) -> list[dict[str, Any]]:
    measured = ("sentence", "cost_ratios", "costlier_functional", "costlier_sequential", "warnings")
    return [
        {key: value for key, value in verdict.items() if key not in measured}
        for verdict in product.document["verdicts"].values()
    ]


def test_a_run_leaves_its_numbers_its_report_and_its_copy_in_mlflow(undisturbed: Any) -> None:
    numbers = undisturbed.numbers()
    assert len(numbers) == TRAININGS
    assert {document["status"] for document in numbers.values()} == {"ok"}
    page = Path(undisturbed.document["report"]).read_text()
    assert undisturbed.document["verdicts"]["iris"]["sentence"].split(" (")[0] in page
    undisturbed.everything_is_in_mlflow_once()


def test_mlflow_shows_what_a_team_looks_for(undisturbed: Any) -> None:
    runs = undisturbed.mlflow()
    parents = [run for run in runs if "archduel.trial" not in run.data.tags]
    assert len(parents) == 1
    assert "accuracy" in parents[0].data.tags["mlflow.note.content"]
    assert parents[0].inputs.dataset_inputs[0].dataset.digest
    children = [run for run in runs if run is not parents[0]]
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parents[0].info.run_id}
    stages = Counter((r.data.tags["stage"], r.data.tags["variant"]) for r in children)
    assert stages == {
        ("search", "sequential"): 12,
        ("search", "functional"): 12,
        ("retrain", "sequential"): 6,
        ("retrain", "functional"): 6,
        ("control", "control"): 3,
    }
    winners = [run for run in children if run.outputs and run.outputs.model_outputs]
    assert len(winners) == 6


def test_the_control_of_every_repetition_is_identical(undisturbed: Any) -> None:
    rows = undisturbed.numbers().values()
    digest = {
        (row["spec"]["repetition"], row["spec"]["stage"]): row["weights_digest"]
        for row in rows
        if row["spec"]["variant"] in ("sequential", "control") and row["spec"]["number"] == 0
    }
    for repetition in range(3):
        assert digest[repetition, "control"] == digest[repetition, "retrain"]


def test_running_again_trains_nothing_and_says_the_same(undisturbed: Any) -> None:
    before = undisturbed.document
    again = undisturbed.run()
    assert again["verdicts"] == before["verdicts"]
    undisturbed.everything_is_in_mlflow_once()


def test_the_report_is_made_again_from_the_ledger_alone(undisturbed: Any) -> None:
    text = undisturbed.call("report", "small", "--format", "json")
    assert text.returncode == 0, text.stderr
    document = json.loads(text.stdout)
    sentence = undisturbed.document["verdicts"]["iris"]["sentence"]
    assert sentence in json.dumps(document, ensure_ascii=False)


def test_two_ray_workers_whose_driver_was_killed_end_where_one_process_ends(
    make_product: Any, undisturbed: Any
) -> None:
    killed = make_product()
    assert killed.run_and_kill(13) == -signal.SIGKILL
    assert 13 <= len(killed.numbers()) < TRAININGS
    killed.run()
    same(killed, undisturbed)
    killed.everything_is_in_mlflow_once()


def test_a_server_that_is_down_delays_mlflow_and_nothing_else(
    make_product: Any, undisturbed: Any, tmp_path: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    product = make_product()
    uri = f"http://127.0.0.1:{port}"
    document = product.run("--executor", "inline", "--set", f"tracking.mlflow={uri}")
    same(product, undisturbed)
    assert f"{TRAININGS} trials" in document["tracking"]["behind"]
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port)),
            *("--workers", "1", "--backend-store-uri", f"sqlite:///{tmp_path / 'mlflow.db'}"),
            *("--artifacts-destination", str(tmp_path / "artifacts")),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        wait_for(f"{uri}/health")
        for _ in range(2):
            done = product.call("sync")
            assert done.returncode == 0, done.stderr
        product.everything_is_in_mlflow_once(runs_of(uri))
    finally:
        stop(server)


def wait_for(address: str) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            assert time.monotonic() < deadline, f"{address} does not answer"
            time.sleep(0.3)


def stop(server: subprocess.Popen[bytes]) -> None:
    import os

    os.killpg(server.pid, signal.SIGKILL)
    server.wait()


def runs_of(uri: str) -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=uri)
    identities = [one.experiment_id for one in client.search_experiments()]
    return list(client.search_runs(identities, max_results=5000))


def test_a_users_own_pair_runs_and_is_in_the_report(make_product: Any) -> None:
    toy = Path(__file__).parents[1] / "toys" / "toy_pair.py"
    product = make_product(
        "pairs: [./mine.py:PAIR]\nexperiment: mine\nsearch: {trials: 2, epochs: 2, batch: 2}\ndesign: {repetitions: [2], retrain: 1}\n"
    )
    (product.config.parent / "mine.py").write_text(toy.read_text())
    document = product.run()
    assert document["verdicts"]["toy"]["n_ok"] == 2
    assert "Does the test pass?" in Path(document["report"]).read_text()


@pytest.mark.parametrize(
    ("executor", "by", "code"),
    [("inline", signal.SIGINT, 130), ("ray", signal.SIGTERM, 143)],
)
def test_a_signal_stops_a_run_and_leaves_no_trace_in_its_numbers(
    make_product: Any, undisturbed: Any, executor: str, by: signal.Signals, code: int
) -> None:
    stopped = make_product()
    assert stopped.run_and_kill(3, "--executor", executor, by=by) == code
    log = (stopped.home / "killed.log").read_text()
    assert "the same command goes on from here" in log
    assert "Traceback" not in log
    expected = undisturbed.numbers()
    assert 3 <= len(stopped.numbers()) < TRAININGS
    for identity, document in stopped.numbers().items():
        assert document == expected[identity]
    stopped.everything_is_in_mlflow_once()


@pytest.mark.slow
def test_one_worker_two_workers_and_five_deaths_end_where_one_process_ends(
    make_product: Any, undisturbed: Any
) -> None:
    one = make_product()
    one.run("--set", "resources.max_parallel=1")
    same(one, undisturbed)
    killed = make_product()
    for trials in (1, 8, 17, 26, 35):
        killed.run_and_kill(trials)
    killed.run()
    same(killed, undisturbed)
    killed.everything_is_in_mlflow_once()
