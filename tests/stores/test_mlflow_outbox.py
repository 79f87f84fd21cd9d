"""The outbox against MLflow's own stores: SQLite here, a real server further down."""

import io
import json
import sqlite3
import subprocess
import sys
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest

from service.contracts.results import Outcome
from service.contracts.trial import Status
from service.stores.ledger import LedgerStore
from service.stores.lock import hold
from service.stores.mlflow_client import open_client
from service.stores.mlflow_outbox import Outbox, OutboxState
from service.stores.mlflow_sender import Sender
from service.stores.outbox_log import OutboxLog
from tests.stores.mlflow_rig import Proxy
from tests.stores.store_factories import a_pair, a_plan, a_result, outcomes

pytestmark = pytest.mark.usefixtures("booting_server")  # it takes a while: let it start meanwhile
SIGNATURE = {
    "inputs": '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 4]}}]',
    "outputs": '[{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 3]}}]',
    "params": None,
}


def a_model():
    """A zipped MLflow model directory, as a worker sends it."""
    document = {
        "flavors": {"keras": {"data": "data", "keras_version": "3.15.0"}},
        "mlflow_version": "3.17.2",
        "model_uuid": "m-of-the-worker",
        "signature": SIGNATURE,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("MLmodel", json.dumps(document))  # JSON is YAML
        archive.writestr("data/model.keras", b"weights" * 100)
    return buffer.getvalue()


@pytest.fixture
def ledger(store):
    return store.open_experiment(a_plan(), {"data": {"iris": {"examples": 150}}})


class Copy:
    """What MLflow holds of an experiment."""

    def __init__(self, uri, name="archduel/iris"):
        self.client = open_client(uri)
        self.experiment = self.client.get_experiment_by_name(name)
        runs = self.client.search_runs([self.experiment.experiment_id], max_results=5000)
        self.parents = {r.data.tags["archduel.pair"]: r for r in runs if is_parent(r)}
        self.trials = [r for r in runs if not is_parent(r)]
        assert len(self.parents) + len(self.trials) == len(runs)

    def assert_complete(self, ledger, settled=True):
        results = ledger.results()
        sent = [run.data.tags["archduel.trial"] for run in self.trials]
        assert sorted(sent) == sorted(results), "each trial exactly once"
        ends = {Status.OK: "FINISHED", Status.DIVERGED: "FAILED"}
        for run in self.trials:
            result = results[run.data.tags["archduel.trial"]]
            assert run.info.status == ends.get(result.status, run.info.status) != "RUNNING"
            assert run.data.metrics["validation_accuracy"] == result.curve.validation[-1]
            parent = self.parents[result.spec.pair]
            assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        if settled:
            assert {parent.info.status for parent in self.parents.values()} <= {
                "FINISHED",
                "KILLED",
                "FAILED",
            }


def is_parent(run):
    return "archduel.pair" in run.data.tags


def rows(tracking):
    """How many rows MLflow's database has, by table."""
    with sqlite3.connect(tracking.removeprefix("sqlite:///")) as connection:
        tables = ("runs", "metrics", "latest_metrics", "params", "tags", "inputs", "datasets")
        tables += ("logged_models", "logged_model_metrics", "logged_model_tags", "experiments")
        return {t: connection.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in tables}


def test_everything_arrives_and_sending_again_changes_nothing(ledger, tracking, tmp_path, capfd):
    winner = Outcome(a_result(0, stage="retrain"), a_model())
    ledger.record([*outcomes(22), Outcome(a_result(30, status="diverged")), winner])
    ledger.set_verdicts({"iris": {"sentence": "Functional is better by 2 points."}})
    ledger.set_state("finished")
    report = tmp_path / "report.html"
    report.write_text("<p>the report</p>")
    outbox = Outbox(ledger, tracking, note=lambda: {"iris": "| a | b |"}, say=pytest.fail)
    outbox.attach({"report.html": report})
    assert outbox.flush() == OutboxState(sent=24, waiting=0, last_error=None)

    copy = Copy(tracking)
    copy.assert_complete(ledger)
    parent = copy.parents["iris"]
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["mlflow.note.content"] == "| a | b |"
    assert parent.data.tags["verdict"] == "Functional is better by 2 points."
    [data] = parent.inputs.dataset_inputs
    assert (data.dataset.name, data.dataset.digest) == ("scikit-learn load_iris", "da7a" * 4)
    assert json.loads(data.dataset.profile) == {"examples": 150}
    assert [f.path for f in copy.client.list_artifacts(parent.info.run_id)] == ["report.html"]

    run = next(r for r in copy.trials if r.data.tags["stage"] == "retrain")
    history = copy.client.get_metric_history(run.info.run_id, "loss")
    assert [(m.step, m.value) for m in history] == [(1, 1.0), (2, 0.5), (3, 0.25)]
    assert run.info.end_time - run.info.start_time == 1750
    [output] = run.outputs.model_outputs
    model = copy.client.get_logged_model(output.model_id)
    assert str(model.status) == "READY"
    assert model.source_run_id == run.info.run_id
    assert model.params["width"] == "17"
    assert {m.key: m.value for m in model.metrics}["test_accuracy"] == winner.result.test_score
    location = Path(model.artifact_location.removeprefix("file://"))
    assert location.is_relative_to(tmp_path / "mlflow" / "artifacts")
    assert (location / "data/model.keras").read_bytes() == b"weights" * 100

    # Sent again in full, as after losing the log or under another address of the same store.
    before = rows(tracking)
    OutboxLog(ledger, tracking).forget()
    again = Outbox(ledger, tracking, note=lambda: {"iris": "| a | b |"})
    assert again.flush() == OutboxState(sent=24, waiting=0, last_error=None)
    assert rows(tracking) == before
    assert capfd.readouterr() == ("", "")


def test_the_models_description_is_readable_with_its_signature(ledger, tracking):
    from mlflow.models import Model

    ledger.record([Outcome(a_result(0, stage="retrain"), a_model())])
    Outbox(ledger, tracking).flush()
    copy = Copy(tracking)
    [model] = copy.client.search_logged_models([copy.experiment.experiment_id])
    described = Model.load(model.artifact_location.removeprefix("file://"))
    assert described.signature.inputs.inputs[0].shape == (-1, 4)
    assert described.model_id == model.model_id
    assert described.run_id == copy.trials[0].info.run_id


def test_a_thread_sends_while_results_come_in(ledger, tracking):
    import mlflow

    globally = mlflow.get_tracking_uri()
    outbox = Outbox(ledger, tracking)
    outbox.start()
    for start in range(0, 30, 10):
        ledger.record(outcomes(10, start=start))
        outbox.nudge()
    end = time.monotonic() + 60
    while outbox.state().sent < 30 and time.monotonic() < end:
        time.sleep(0.05)
    running = Copy(tracking)
    assert running.parents["iris"].info.status == "RUNNING"
    ledger.set_state("finished")
    assert outbox.close(60) == OutboxState(30, 0, None)
    Copy(tracking).assert_complete(ledger)
    assert mlflow.get_tracking_uri() == globally


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("finished", "FINISHED"),
        ("failed", "FAILED"),
        ("interrupted", "KILLED"),
        ("running", "KILLED"),
    ],
)
def test_no_parent_is_left_running(ledger, tracking, state, status):
    ledger.set_state(state)
    Outbox(ledger, tracking).flush()
    assert Copy(tracking).parents["iris"].info.status == status


def test_kill_9_again_and_again(ledger, url, tracking):
    ledger.record(outcomes(40))
    ledger.record([Outcome(a_result(i, stage="retrain"), a_model()) for i in range(3)])
    ledger.set_state("finished")
    done = subprocess.run(
        [sys.executable, "-m", "tests.stores.outbox_until_killed", url, tracking],
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    ends = [line for line in done.stdout.splitlines() if line.startswith(("killed", "ended"))]
    assert [end.split()[0] for end in ends] == [*["killed"] * 4, "ended"], ends
    assert ends[-1] == "ended (43, 0)", ends
    copy = Copy(tracking)
    copy.assert_complete(ledger)
    models = copy.client.search_logged_models([copy.experiment.experiment_id])
    assert sorted(m.tags["archduel.trial"] for m in models) == sorted(
        ledger.models(ledger.results())
    )
    assert {str(m.status) for m in models} == {"READY"}


def test_a_run_left_running_by_an_earlier_session_is_completed(ledger, tracking, monkeypatch):
    ledger.record([Outcome(a_result(i, stage="retrain")) for i in range(3)])
    first = Outbox(ledger, tracking)
    real = Sender._send_model
    monkeypatch.setattr(Sender, "_send_model", lambda *a: (_ for _ in ()).throw(OSError("cut off")))
    state = first.flush(attempts=1)
    assert state.sent == 0
    assert "cut off" in state.last_error
    [left] = Copy(tracking).trials
    assert left.info.status == "RUNNING"
    monkeypatch.setattr(Sender, "_send_model", real)
    assert Outbox(ledger, tracking).flush().sent == 3
    copy = Copy(tracking)
    copy.assert_complete(ledger)
    assert left.info.run_id in {run.info.run_id for run in copy.trials}


def test_a_creation_that_a_slow_server_carries_out_late_leaves_no_twin(
    ledger, tracking, monkeypatch
):
    ledger.record(outcomes(2))
    outbox = Outbox(ledger, tracking)
    real, late = Sender._search, []

    def search(self, trial):
        found = real(self, trial)
        if not late:  # the lost creation arrives after we looked for it
            late.append(self._client.create_run(self.experiment_id, tags={"archduel.trial": trial}))
        return found

    attempts = []

    def send_model(self, *arguments):
        attempts.append(1)
        if len(attempts) == 1:
            raise OSError("no answer")

    monkeypatch.setattr(Sender, "_search", search)
    monkeypatch.setattr(Sender, "_send_model", send_model)
    outbox.flush()
    Copy(tracking).assert_complete(ledger)


def test_a_trial_that_mlflow_refuses_does_not_hold_up_the_others(ledger, tracking):
    good = outcomes(3)
    bad = a_result(9)
    bad = bad.model_copy(update={"hyperparameters": {"x" * 300: 1}})
    ledger.record([good[0], Outcome(bad), *good[1:]])
    said = []
    state = Outbox(ledger, tracking, say=said.append).flush()
    assert (state.sent, state.waiting) == (3, 1)
    assert "MLflow refused" in state.last_error
    assert any(bad.spec.id in text for text in said)


def test_a_damaged_model_is_said_and_its_numbers_are_sent(ledger, tracking):
    ledger.record([Outcome(a_result(0, stage="retrain"), b"no zip file")])
    said = []
    assert Outbox(ledger, tracking, say=said.append).flush() == OutboxState(1, 0, None)
    assert any("the stored model cannot be read" in text for text in said)
    Copy(tracking).assert_complete(ledger)


def test_notes_that_fail_are_said_and_nothing_else_suffers(ledger, tracking):
    ledger.record(outcomes(2))
    ledger.set_state("finished")
    said = []
    state = Outbox(ledger, tracking, note=lambda: 1 / 0, say=said.append).flush()
    assert state == OutboxState(2, 0, None)
    assert said == ["the notes for MLflow could not be written: division by zero"]
    assert Copy(tracking).parents["iris"].info.status == "FINISHED"


def test_an_emptied_store_gets_everything_again(ledger, tracking, mlflow_template):
    ledger.record(outcomes(3))
    Outbox(ledger, tracking).flush()
    client = open_client(tracking)
    experiment = client.get_experiment_by_name("archduel/iris").experiment_id
    client.rename_experiment(experiment, "moved away")
    assert Outbox(ledger, tracking).flush() == OutboxState(3, 0, None)
    Copy(tracking).assert_complete(ledger)


def test_another_ledgers_experiment_of_the_same_name_is_not_mixed(store, tracking, tmp_path):
    ours = store.open_experiment(a_plan(), {})
    other = LedgerStore(f"sqlite:///{tmp_path}/other/ledger.db")
    theirs = other.open_experiment(a_plan(), {})
    for ledger in (theirs, ours):
        ledger.record(outcomes(2))
        assert Outbox(ledger, tracking).flush().sent == 2
    Copy(tracking).assert_complete(theirs)
    Copy(tracking, f"archduel/iris {ours.uuid[:8]}").assert_complete(ours)
    other.close()


def test_an_experiment_deleted_in_mlflow_is_told(ledger, tracking):
    Outbox(ledger, tracking).flush()
    client = open_client(tracking)
    client.delete_experiment(client.get_experiment_by_name("archduel/iris").experiment_id)
    error = Outbox(ledger, tracking).flush(attempts=1).last_error
    assert "was deleted there" in error
    assert "mlflow experiments restore" in error


def test_only_one_process_sends(ledger, tracking):
    ledger.record(outcomes(1))
    with hold(ledger.home, "outbox of iris"):
        state = Outbox(ledger, tracking).flush(attempts=1)
    assert (state.sent, state.waiting) == (0, 1)
    assert "in use by process" in state.last_error
    assert Outbox(ledger, tracking).flush().sent == 1


def test_two_pairs_have_two_parents(store, tracking):
    ledger = store.open_experiment(a_plan(pairs=(a_pair(), a_pair("wine"))), {})
    ledger.record([*outcomes(2), *outcomes(2, pair="wine")])
    Outbox(ledger, tracking).flush()
    copy = Copy(tracking)
    assert set(copy.parents) == {"iris", "wine"}
    copy.assert_complete(ledger)


# With a server


def test_a_server_that_is_down_first(ledger, server):
    proxy = Proxy(server.port)  # nothing listens yet
    said = []
    ledger.record(outcomes(8))
    outbox = Outbox(ledger, proxy.uri, say=said.append)
    outbox.start()
    end = time.monotonic() + 20
    while not said and time.monotonic() < end:
        time.sleep(0.05)
    state = outbox.state()
    assert (state.sent, state.waiting) == (0, 8)
    assert proxy.uri in state.last_error
    ledger.record([Outcome(a_result(0, stage="retrain"), a_model())])
    proxy.up()
    end = time.monotonic() + 60
    while outbox.state().waiting and time.monotonic() < end:
        time.sleep(0.05)
    ledger.set_state("finished")
    assert outbox.close(60) == OutboxState(9, 0, None)
    assert len(said) == 2, "once that it is down, once that it is back"
    assert "answers again" in said[1]
    proxy.down()

    copy = Copy(server.uri)
    copy.assert_complete(ledger)
    [model] = copy.client.search_logged_models([copy.experiment.experiment_id])
    # What the model page of MLflow's UI reads to show the signature:
    address = f"{server.uri}/ajax-api/2.0/mlflow/logged-models/{model.model_id}/artifacts/files"
    with urllib.request.urlopen(f"{address}?artifact_file_path=MLmodel") as answer:
        assert b"tensor-spec" in answer.read()


def test_answers_that_are_lost_on_the_way_leave_no_twins(store, server):
    ledger = store.open_experiment(a_plan("lost"), {})
    proxy = Proxy(server.port)
    proxy.up()
    assert Outbox(ledger, proxy.uri).flush().last_error is None
    ledger.record(outcomes(4))
    calls = ["runs/create", "runs/log-batch", "runs/update"]
    proxy.swallow = [f"POST /api/2.0/mlflow/{call}".encode() for call in calls]
    assert Outbox(ledger, proxy.uri).flush(attempts=6) == OutboxState(4, 0, None)
    assert len(proxy.swallowed) == 3, "the answers were lost indeed"
    Copy(server.uri, "archduel/lost").assert_complete(ledger)
    proxy.down()


@pytest.mark.timeout(100)
def test_a_server_that_never_answers_delays_no_one(ledger, server, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "250")  # who waits for it fails this test
    proxy = Proxy(server.port)
    proxy.hang = True
    proxy.up()
    said = []
    outbox = Outbox(ledger, proxy.uri, say=said.append)
    outbox.start()
    ledger.record(outcomes(5))
    outbox.nudge()
    state = outbox.close(0.2)
    assert (state.sent, state.waiting) == (0, 5)
    assert state.last_error
    proxy.down()
