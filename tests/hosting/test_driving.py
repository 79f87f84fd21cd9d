"""The driver: what it tells the queue, however its run ends. Nothing is trained here."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import signal
from types import SimpleNamespace

import pytest

from service.app import extending, history, running
from service.app.stopping import Interrupted
from service.contracts.entry import Attachment, EntryState, Orders, Stale, Submission
from service.contracts.errors import ArchduelError, Unavailable, UserError
from service.contracts.ports import Advance
from service.database.engine import Database
from service.database.migrate import migrate
from service.execution.ray_address import NoCluster
from service.hosting import driving
from service.hosting.blobs import Blobs
from service.hosting.reporter import Reporter
from service.queue.queue import Queue

CONFIG = "experiment: mine\npairs: [iris]\ndesign: {repetitions: [2]}\n"
DATA = b"a,b\n1,2\n"


@pytest.fixture
def queue(tmp_path, monkeypatch):
    for name in list(os.environ):
        if name.startswith("ARCHDUEL_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("ARCHDUEL_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    database = Database(f"sqlite:///{tmp_path}/ledger.db")
    migrate(database)
    yield Queue(database)
    database.close()


@pytest.fixture
def ran(monkeypatch, tmp_path):
    """What the driver ran; set `ends` to make it end otherwise."""
    calls = SimpleNamespace(planned=[], ends=None)

    def run(planned, home, progress, *, cluster):
        calls.planned.append(planned)
        calls.cluster = cluster
        progress.advance(Advance(done=3, planned=14, resumed=0, training_seconds=1.5))
        if calls.ends is not None:
            raise calls.ends
        name = planned.plan.experiment
        (home.run_folder(name) / "report.html").write_text("a report")
        finding = SimpleNamespace(judgement=SimpleNamespace(sentence="they are equal"))
        return SimpleNamespace(key=name, findings={"iris": finding}, tracking_behind=None)

    monkeypatch.setattr(running, "run", run)
    return calls


def claimed(queue, **changes):
    fields = {"owner": "ada", "name": "mine", "config": CONFIG, **changes}
    _entry, _ = queue.submit(Submission(**fields))
    return queue.claim("one")


def drive(queue, entry):
    code = driving.main(entry.id, entry.attempt)
    return code, queue.get(entry.id)


def test_a_run_that_ends_well_is_done_with_its_report(queue, ran, tmp_path):
    code, entry = drive(queue, claimed(queue, overrides=("search.trials=4",), max_parallel=3))
    assert (code, entry.state) == (0, EntryState.DONE)
    assert (entry.done, entry.planned, entry.verdicts) == (3, 14, {"iris": "they are equal"})
    assert Blobs((tmp_path / "store").as_uri()).read(f"runs/{entry.id}/report.html") == b"a report"
    (planned,) = ran.planned
    assert planned.plan.experiment == entry.ledger_name == f"mine-{entry.id}"
    assert planned.plan.search.trials == 4
    assert ran.cluster.warm.user == "ada"
    assert ran.cluster.limit() == 3


def test_the_name_changes_no_protocol(queue, ran):
    drive(queue, claimed(queue))
    drive(queue, claimed(queue, anew=True))
    first, second = ran.planned
    assert first.plan.experiment != second.plan.experiment
    assert first.plan.protocol_hash == second.plan.protocol_hash


@pytest.mark.parametrize(
    ("error", "state", "told"),
    [
        (UserError("must be at least 1", key="seed"), EntryState.FAILED, "must be at least 1"),
        (Unavailable("the database does not answer"), EntryState.QUEUED, "does not answer"),
        (NoCluster("nothing answers there"), EntryState.QUEUED, "nothing answers"),
        (ArchduelError("a worker could not start"), EntryState.QUEUED, "could not start"),
        (OSError(errno.ENOSPC, "No space left"), EntryState.QUEUED, "the disk is full"),
        (ZeroDivisionError("a bug"), EntryState.QUEUED, "ZeroDivisionError: a bug"),
    ],
)
def test_every_end_is_told(queue, ran, error, state, told):
    ran.ends = error
    code, entry = drive(queue, claimed(queue))
    assert (code, entry.state) == (1, state)
    assert told in entry.reason
    assert entry.done == 3, "what was recorded before counts"


def test_a_mistake_in_the_config_fails_in_one_line(queue, ran):
    code, entry = drive(queue, claimed(queue, config="experiment: mine\npairs: [iriss]\n"))
    assert (code, entry.state) == (1, EntryState.FAILED)
    assert entry.reason.startswith("config.yaml:2: pairs[0]: unknown pair 'iriss'")
    assert ran.planned == []


def test_a_driver_that_is_stopped_leaves_the_rest_to_the_dispatcher(queue, ran):
    ran.ends = Interrupted("SIGTERM")
    code, entry = drive(queue, claimed(queue))
    assert (code, entry.state) == (143, EntryState.RUNNING)


def test_a_second_driver_of_an_attempt_does_nothing(queue, ran):
    entry = claimed(queue)
    drive(queue, entry)
    assert driving.main(entry.id, entry.attempt) == 0
    assert driving.main("x0000000000000000", 1) == 0
    assert len(ran.planned) == 1


def test_what_was_submitted_is_unpacked_beside_the_config(queue, tmp_path, ran):
    blobs = Blobs((tmp_path / "store").as_uri())
    sha = hashlib.sha256(DATA).hexdigest()
    blobs.put(sha, io.BytesIO(DATA))
    files = (Attachment("data/mine.csv", sha, len(DATA)),)
    _, entry = drive(queue, claimed(queue, files=files))
    assert (tmp_path / "drivers" / entry.id / "data" / "mine.csv").read_bytes() == DATA


def test_nothing_is_unpacked_elsewhere(queue, tmp_path, ran):
    files = (Attachment("../out.csv", "0" * 64, 1),)
    code, entry = drive(queue, claimed(queue, files=files))
    assert (code, entry.state) == (1, EntryState.FAILED)
    assert not (tmp_path / "drivers" / "out.csv").exists()


def test_an_extension_that_cannot_be_leaves_the_experiment_done(queue, ran, monkeypatch):
    _, entry = drive(queue, claimed(queue))
    queue.extend(entry.id, 4)
    entry = queue.claim("one")
    plan = SimpleNamespace(design=SimpleNamespace(extensions=()))
    ledger = SimpleNamespace(plan=plan, key=entry.ledger_name)
    monkeypatch.setattr(history, "experiment", lambda home, key: ledger)

    def refuse(home, key, repetitions):
        raise UserError("every verdict is decided")

    monkeypatch.setattr(extending, "extend", refuse)
    code, entry = drive(queue, entry)
    assert (code, entry.state, entry.extensions) == (0, EntryState.DONE, ())
    assert entry.reason == "every verdict is decided"
    assert entry.verdicts == {"iris": "they are equal"}


class Desk:
    """Takes reports, and gives the orders that it was given."""

    def __init__(self, orders=None, error=None):
        self.heard = []
        self.given = orders or Orders(cancel=False, max_parallel=None)
        self.error = error

    def orders(self):
        if self.error is not None:
            raise self.error
        return self.given

    def progress(self, done, planned, seconds):
        self.heard.append((done, planned))
        return self.orders()

    def say(self, line):
        if self.error is not None:
            raise self.error
        self.heard.append(line)


def test_nothing_is_lost_while_the_database_is_away():
    desk = Desk(error=Unavailable("away"))
    reporter = Reporter(desk)
    reporter.say("one")
    reporter.advance(Advance(done=1, planned=2, resumed=0, training_seconds=0.0))
    with pytest.raises(Unavailable):
        reporter.flush()
    desk.error = None
    reporter.flush()
    assert desk.heard == ["one", (1, 2)]


def test_orders_are_obeyed_once(monkeypatch):
    sent = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append(number))
    reporter = Reporter(Desk(Orders(cancel=True, max_parallel=2)))
    reporter.flush()
    reporter.flush()
    assert sent == [signal.SIGTERM]
    assert reporter.max_parallel == 2


def test_a_driver_whose_place_was_taken_ends_at_once(monkeypatch):
    ended = []

    class Gone(BaseException):
        pass

    def end(code):
        ended.append(code)
        raise Gone

    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr("service.hosting.reporter.EVERY", 0.0)
    reporter = Reporter(Desk(error=Stale("another one")))
    with pytest.raises(Gone):
        reporter._work()
    assert ended == [0]
