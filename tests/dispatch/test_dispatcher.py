"""The dispatcher with a host that does as it is told, and drivers that are the tests themselves."""

from __future__ import annotations

import pytest

from service.contracts.driver_host import Job, JobState
from service.contracts.entry import EntryState, IllegalMove, Submission
from service.contracts.errors import Unavailable
from service.database.engine import Database
from service.database.migrate import migrate
from service.dispatch import dispatcher as dispatching
from service.dispatch.dispatcher import Dispatcher
from service.queue.queue import Limits, Queue
from service.queue.reports import DriverDesk

QUEUED, STARTING, RUNNING, CANCELLING, DONE, FAILED, CANCELLED = EntryState


class Host:
    """Runs nothing, and remembers what it was asked."""

    def __init__(self):
        self.jobs: dict[str, JobState] = {}
        self.started: list[str] = []
        self.stopped: list[str] = []
        self.forgotten: list[str] = []
        self.down = False
        self.loses_answers = False

    def check(self):
        if self.down:
            raise Unavailable("Ray does not answer")

    def start(self, job, entry, attempt):
        self.check()
        if job not in self.jobs:
            self.jobs[job] = JobState.RUNNING
            self.started.append(job)
        if self.loses_answers:
            raise Unavailable("the answer was lost")

    def status(self, job):
        self.check()
        return Job(self.jobs[job], "told") if job in self.jobs else None

    def stop(self, job):
        self.check()
        self.stopped.append(job)
        self.jobs[job] = JobState.STOPPED

    def forget(self, job):
        self.forgotten.append(job)
        self.jobs.pop(job)

    def logs(self, job):
        return f"log of {job}"


@pytest.fixture
def host():
    return Host()


@pytest.fixture
def queue(tmp_path, monkeypatch):
    monkeypatch.setattr(dispatching, "LOOK_EVERY", 0.0)  # every step looks
    monkeypatch.setattr(dispatching, "FAREWELL", 0.0)
    database = Database(f"sqlite:///{tmp_path}/queue.db")
    migrate(database)
    yield Queue(database, Limits(max_running=2))
    database.close()


@pytest.fixture
def logs():
    return {}


@pytest.fixture
def dispatcher(queue, host, logs):
    return Dispatcher(
        queue, host, "one", keep_log=lambda entry, log: logs.__setitem__(entry.job, log)
    )


def submitted(queue, number=0):
    config = f"experiment: iris\ndesign: {{seed: {number}}}"
    return queue.submit(Submission("ada", "iris", config))[0].id


def ready_at_once(queue):
    """Nothing waits for its turn after a loss."""
    with queue.database.writing() as connection:
        connection.exec_driver_sql("UPDATE archduel_entry SET wake = 0")


def test_what_is_submitted_is_started_once_and_put_away_when_done(queue, host, dispatcher, logs):
    identity = submitted(queue)
    dispatcher.step()
    dispatcher.step()
    assert host.started == [f"{identity}-1"]
    desk = DriverDesk(queue.database, identity, 1)
    desk.begin()
    dispatcher.step()
    desk.done({"iris": "equal"}, None)
    host.jobs[f"{identity}-1"] = JobState.SUCCEEDED
    dispatcher.step()
    dispatcher.step()
    assert queue.get(identity).state is DONE
    assert logs == {f"{identity}-1": f"log of {identity}-1"}
    assert host.forgotten == [f"{identity}-1"]


def test_not_more_than_may_run_are_started(queue, host, dispatcher):
    ids = [submitted(queue, number) for number in range(3)]
    dispatcher.step()
    assert host.started == [f"{identity}-1" for identity in ids[:2]]


def test_a_lost_driver_is_replaced(queue, host, dispatcher, logs):
    identity = submitted(queue)
    dispatcher.step()
    DriverDesk(queue.database, identity, 1).begin()
    host.jobs[f"{identity}-1"] = JobState.FAILED
    dispatcher.step()
    entry = queue.get(identity)
    assert (entry.state, entry.reason) == (QUEUED, "its driver was lost (told)")
    assert f"{identity}-1" in logs
    ready_at_once(queue)
    dispatcher.step()
    assert host.started == [f"{identity}-1", f"{identity}-2"]


def test_a_driver_that_always_dies_is_given_up(queue, host, dispatcher):
    identity = submitted(queue)
    for attempt in range(1, 6):
        ready_at_once(queue)
        dispatcher.step()
        host.jobs[f"{identity}-{attempt}"] = JobState.FAILED
        dispatcher.step()
    assert queue.get(identity).state is FAILED
    ready_at_once(queue)
    dispatcher.step()
    assert len(host.started) == 5


def test_a_new_head_that_knows_no_job_costs_no_experiment_anything(queue, host, dispatcher):
    identity = submitted(queue)
    for attempt in range(1, 9):
        dispatcher.step()
        assert host.started[-1] == f"{identity}-{attempt}"
        DriverDesk(queue.database, identity, attempt).begin()
        dispatcher.step()
        host.jobs.clear()
        dispatcher.step()
    assert queue.get(identity).state in (QUEUED, STARTING)


def test_while_the_host_is_down_nothing_is_claimed_or_lost(queue, host, dispatcher):
    running = submitted(queue)
    dispatcher.step()
    DriverDesk(queue.database, running, 1).begin()
    waiting = submitted(queue, 1)
    host.down = True
    for _ in range(3):
        with pytest.raises(Unavailable):
            dispatcher.step()
    assert (queue.get(running).state, queue.get(waiting).attempt) == (RUNNING, 0)
    host.down = False
    dispatcher.step()
    assert queue.get(waiting).state is STARTING


def test_a_start_that_was_not_confirmed_starts_nothing_twice(queue, host, dispatcher):
    identity = submitted(queue)
    host.loses_answers = True
    with pytest.raises(Unavailable):
        dispatcher.step()
    host.loses_answers = False
    dispatcher.step()
    dispatcher.step()
    assert host.started == [f"{identity}-1"]


def test_a_start_that_was_refused_is_asked_for_again(queue, host, dispatcher):
    identity = submitted(queue)
    dispatcher.step()
    host.jobs.clear()  # as if it had never taken it
    dispatcher.step()
    assert host.started == [f"{identity}-1", f"{identity}-1"]
    DriverDesk(queue.database, identity, 1).begin()
    with pytest.raises(IllegalMove):
        DriverDesk(queue.database, identity, 1).begin()


def test_cancelling_stops_the_driver_and_ends_when_it_ended(queue, host, dispatcher):
    identity = submitted(queue)
    dispatcher.step()
    DriverDesk(queue.database, identity, 1).begin()
    queue.cancel(identity, "enough")
    dispatcher.step()
    assert host.stopped == [f"{identity}-1"]
    dispatcher.step()
    entry = queue.get(identity)
    assert (entry.state, entry.reason) == (CANCELLED, "enough")
    ready_at_once(queue)
    dispatcher.step()
    assert host.started == [f"{identity}-1"]


def test_a_driver_that_lingers_after_its_last_word_is_stopped(queue, host, dispatcher):
    identity = submitted(queue)
    dispatcher.step()
    desk = DriverDesk(queue.database, identity, 1)
    desk.begin()
    desk.done({}, None)
    dispatcher.step()
    assert host.stopped == [f"{identity}-1"]
    assert queue.get(identity).state is DONE


def test_another_service_takes_over_and_starts_nothing_twice(queue, host):
    dead = Dispatcher(Queue(queue.database, Limits(lease_seconds=-1)), host, "dead")
    identity = submitted(queue)
    dead.step()
    DriverDesk(queue.database, identity, 1).begin()
    heir = Dispatcher(queue, host, "heir")
    heir.step()
    assert queue.get(identity).holder == "heir"
    dead.step()  # it was only slow: it lets go, and stops nothing
    heir.step()
    assert host.started == [f"{identity}-1"]
    assert host.stopped == []
    host.jobs[f"{identity}-1"] = JobState.FAILED
    heir.step()
    assert queue.get(identity).state is QUEUED


def test_a_service_that_died_between_claim_and_start_loses_nothing(queue, host):
    identity = submitted(queue)
    Queue(queue.database, Limits(lease_seconds=-1)).claim("dead")
    heir = Dispatcher(queue, host, "heir")
    heir.step()
    heir.step()
    assert host.started == [f"{identity}-1"]


def test_what_is_missing_is_told_at_what_it_holds_up(queue, host, dispatcher):
    identity = submitted(queue)
    dispatcher.step()
    DriverDesk(queue.database, identity, 1).begin()
    host.down = True
    with pytest.raises(Unavailable) as caught:
        dispatcher.step()
    dispatcher._note_trouble(str(caught.value))
    assert queue.get(identity).reason == "Ray does not answer"
    dispatcher._note_trouble(None)
    assert queue.get(identity).reason is None
