"""The queue: submissions are kept once, moves are legal, shares are fair, leases are one's own."""

import itertools
import threading
from collections import Counter

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from service.contracts.entry import (
    ACTIVE,
    ENDED,
    MOVES,
    Conflict,
    EntryState,
    IllegalMove,
    NoSuchEntry,
    Stale,
    TooMany,
)
from service.contracts.errors import UserError
from service.queue import tables as db
from service.queue.behind import queue_behind
from service.queue.queue import Limits, Queue
from service.queue.reports import DriverDesk
from service.queue.rows import new_id

QUEUED, STARTING, RUNNING, CANCELLING, DONE, FAILED, CANCELLED = EntryState


def kinds(queue, entry):
    return [event.data["state"] for event in queue.events(entry.id) if event.kind == "state"]


def test_what_was_submitted_comes_back(queue, submission):
    entry, created = queue.submit(submission(priority=3, max_parallel=2, key="k"))
    assert created
    assert queue.get(entry.id) == entry
    assert (entry.state, entry.attempt, entry.owner, entry.priority) == (QUEUED, 0, "ada", 3)
    assert entry.overrides == ("search.trials=4",)
    assert entry.files == submission().files
    assert entry.ledger_name == f"iris-{entry.id}"


def test_ids_sort_by_time():
    ids = []
    for _ in range(3):
        ids.append(new_id())
        threading.Event().wait(0.002)
    assert ids == sorted(ids)
    assert all(len(one) == 17 for one in ids)


def test_the_same_content_or_key_is_the_same_experiment(queue, submission):
    first, _ = queue.submit(submission(key="k"))
    assert queue.submit(submission(key="k")) == (first, False)
    assert queue.submit(submission()) == (first, False)
    assert queue.submit(submission(priority=5)) == (first, False)
    assert queue.submit(submission(anew=True))[1]
    assert queue.submit(submission(owner="bob"))[1]
    with pytest.raises(Conflict, match=first.id):
        queue.submit(submission(1, key="k"))


def test_what_came_to_nothing_may_be_submitted_again(queue, submission):
    first, _ = queue.submit(submission())
    queue.cancel(first.id)
    again, created = queue.submit(submission())
    assert created
    assert again.id != first.id


def test_a_key_stays_its_experiments_even_when_cancelled(queue, submission):
    first, _ = queue.submit(submission(key="k"))
    cancelled = queue.cancel(first.id)
    assert queue.submit(submission(key="k")) == (cancelled, False)


def test_of_many_at_once_one_is_made(queue, submission):
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(queue.submit(submission(key="k"))))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [created for _, created in made].count(True) == 1
    assert len({entry.id for entry, _ in made}) == 1


def test_a_user_may_not_fill_the_queue(queue, submission):
    for number in range(5):
        queue.submit(submission(number))
    with pytest.raises(TooMany, match="5 experiments of 'ada'"):
        queue.submit(submission(5))
    assert queue.submit(submission(0))[1] is False
    assert queue.submit(submission(5, owner="bob"))[1]


@pytest.mark.parametrize("changes", [{"priority": 11}, {"max_parallel": 0}])
def test_values_out_of_range_are_refused(queue, submission, changes):
    with pytest.raises(UserError):
        queue.submit(submission(**changes))


def test_pages_go_backwards_and_lose_nothing(queue, submission):
    ids = [queue.submit(submission(number))[0].id for number in range(5)]
    first = queue.page(limit=2)
    second = queue.page(limit=2, before=first[-1].id)
    third = queue.page(limit=2, before=second[-1].id)
    assert [entry.id for entry in first + second + third] == sorted(ids, reverse=True)
    assert queue.page(owner="bob") == []
    assert len(queue.page(state=QUEUED)) == 5
    assert queue.counts()[QUEUED] == 5
    assert queue.counts("bob")[QUEUED] == 0


def test_shares_are_fair_then_priority_then_age(queue, submission):
    a1, _ = queue.submit(submission(1))
    a2, _ = queue.submit(submission(2, priority=2))
    b1, _ = queue.submit(submission(3, owner="bob"))
    b2, _ = queue.submit(submission(4, owner="bob", priority=9))
    order = [queue.claim("one").id for _ in range(3)]
    # bob's best, ada's best (nothing of hers is at work), then equal again: the oldest of priority.
    assert order == [b2.id, a2.id, a1.id]
    assert queue.claim("one") is None, "three may run"
    queue.move(b2.id, QUEUED, wake_in=60)
    assert queue.claim("one").id == b1.id, "nothing of bob's is at work"


def test_a_user_has_a_limit_of_running_experiments(queue, submission):
    for number in range(3):
        queue.submit(submission(number))
    assert queue.claim("one")
    assert queue.claim("one")
    assert queue.claim("one") is None


def test_what_shall_wait_waits(queue, submission):
    entry, _ = queue.submit(submission())
    assert queue.claim("one").id == entry.id
    queue.move(entry.id, QUEUED, wake_in=3600)
    assert queue.claim("one") is None


def test_two_claimers_never_get_the_same(queue, submission):
    wide = Queue(queue.database, Limits(100, 100, 1000))
    wanted = {wide.submit(submission(number))[0].id for number in range(24)}
    got = []

    def claim(name):
        while (entry := wide.claim(name)) is not None:
            got.append(entry.id)

    threads = [threading.Thread(target=claim, args=(f"service {n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(got) == dict.fromkeys(wanted, 1)


def test_a_lease_that_ran_out_is_taken_over_and_then_another_s(queue, submission):
    short = Queue(queue.database, Limits(lease_seconds=-1))
    entry, _ = queue.submit(submission())
    assert short.claim("dead").holder == "dead"
    assert [one.id for one in queue.adopt("heir")] == [entry.id]
    assert queue.adopt("late") == []
    assert queue.renew("dead") == []
    assert [one.id for one in queue.renew("heir")] == [entry.id]
    with pytest.raises(Stale):
        queue.move(entry.id, QUEUED, held_by="dead")


def test_a_late_renewal_is_good_while_nobody_took_over(queue, submission):
    entry, _ = queue.submit(submission())
    Queue(queue.database, Limits(lease_seconds=-1)).claim("slow")
    assert [one.id for one in queue.renew("slow")] == [entry.id]
    assert queue.adopt("heir") == []


def test_cancelling(queue, submission):
    entry, _ = queue.submit(submission())
    assert queue.cancel(entry.id).state is CANCELLED
    with pytest.raises(IllegalMove, match="is cancelled"):
        queue.cancel(entry.id)
    other, _ = queue.submit(submission(1))
    queue.claim("one")
    cancelling = queue.cancel(other.id, "enough")
    assert (cancelling.state, cancelling.reason) == (CANCELLING, "enough")
    assert DriverDesk(queue.database, other.id, 1).orders().cancel
    queue.move(other.id, CANCELLED)
    assert kinds(queue, other) == ["queued", "starting", "cancelling", "cancelled"]


def test_a_driver_is_heard_until_another_is_started(queue, submission):
    entry, _ = queue.submit(submission())
    assert queue.claim("one").job == f"{entry.id}-1"
    desk = DriverDesk(queue.database, entry.id, 1)
    assert desk.begin().state is RUNNING
    orders = desk.progress(3, 10, 1.5)
    assert not orders.cancel
    desk.say("a line\nin two")
    known = queue.get(entry.id)
    assert (known.done, known.planned, known.seconds) == (3, 10, 1.5)
    assert (known.line, known.ledger_key) == ("a line in two", entry.ledger_name)
    queue.move(entry.id, QUEUED, driver=1)
    assert queue.claim("one").attempt == 2
    for late in (
        lambda: desk.progress(9, 10, 2.0),
        lambda: desk.say("still here"),
        lambda: desk.done({}, None),
        lambda: desk.failed("late"),
        lambda: desk.postponed("late", 1),
        lambda: desk.stumbled("late"),
        desk.begin,
        desk.orders,
    ):
        with pytest.raises(Stale):
            late()
    assert queue.get(entry.id).done == 3
    DriverDesk(queue.database, entry.id, 2).begin()
    DriverDesk(queue.database, entry.id, 2).done({"iris": "equal"}, None)
    ended = queue.get(entry.id)
    assert (ended.state, ended.verdicts, ended.holder) == (DONE, {"iris": "equal"}, None)
    assert ended.ended is not None


def test_a_postponed_experiment_comes_back(queue, submission):
    entry, _ = queue.submit(submission())
    queue.claim("one")
    desk = DriverDesk(queue.database, entry.id, 1)
    desk.begin()
    desk.postponed("the disk is full", -1)
    waiting = queue.get(entry.id)
    assert (waiting.state, waiting.reason, waiting.job) == (QUEUED, "the disk is full", None)
    assert queue.claim("one").attempt == 2


def lose(queue, entry, *, done=0, blamed=True):
    """A driver is started, records so many trainings, and is lost."""
    with queue.database.writing() as connection:  # no need to wait for its turn
        connection.execute(sa.update(db.entry).values(wake=0.0))
    claimed = queue.claim("one")
    desk = DriverDesk(queue.database, entry.id, claimed.attempt)
    desk.begin()
    desk.progress(claimed.done + done, 10, 1.0)
    queue.lost(entry.id, claimed.attempt, "it was killed", blamed=blamed)
    return queue.get(entry.id)


def test_a_lost_driver_is_replaced_but_not_for_ever(queue, submission):
    entry, _ = queue.submit(submission())
    for _ in range(4):
        assert lose(queue, entry).state is QUEUED
    assert lose(queue, entry, done=1).state is QUEUED, "progress starts the count anew"
    for _ in range(4):
        assert lose(queue, entry).state is QUEUED
    assert lose(queue, entry, blamed=False).state is QUEUED, "the host's fault is nobody's"
    given_up = lose(queue, entry)
    assert given_up.state is FAILED
    assert given_up.reason == (
        "5 drivers in a row were lost before a training was done: it was killed"
    )


def test_extending_what_is_done(queue, submission):
    entry, _ = queue.submit(submission())
    with pytest.raises(IllegalMove):
        queue.extend(entry.id, 4)
    queue.claim("one")
    desk = DriverDesk(queue.database, entry.id, 1)
    desk.begin()
    desk.done({}, None)
    with pytest.raises(UserError):
        queue.extend(entry.id, 1)
    extended = queue.extend(entry.id, 4)
    assert (extended.state, extended.extensions, extended.ended) == (QUEUED, (4,), None)


def test_what_mlflow_missed_is_sent_later_and_not_too_often(queue, submission):
    entry, _ = queue.submit(submission())
    queue.claim("one")
    desk = DriverDesk(queue.database, entry.id, 1)
    desk.begin()
    desk.done({"iris": "equal"}, "3 trials are not in MLflow yet: it does not answer")
    assert queue_behind(queue.database) == [], "it has only just ended"
    with queue.database.writing() as connection:
        connection.execute(sa.update(db.entry).values(ended="2000"))
    assert queue_behind(queue.database) == [entry.id]
    again = queue.get(entry.id)
    assert (again.state, again.behind) == (QUEUED, None)
    assert "nothing is trained" in again.reason
    assert again.verdicts == {"iris": "equal"}


def test_parallelism_is_told_to_the_driver(queue, submission):
    entry, _ = queue.submit(submission())
    queue.claim("one")
    queue.set_parallel(entry.id, 3)
    assert DriverDesk(queue.database, entry.id, 1).orders().max_parallel == 3
    with pytest.raises(UserError):
        queue.set_parallel(entry.id, 0)


def test_deleting_forgets_the_events_too(queue, submission):
    entry, _ = queue.submit(submission())
    with pytest.raises(IllegalMove, match="cancel it first"):
        queue.delete(entry.id)
    queue.cancel(entry.id)
    queue.delete(entry.id)
    with pytest.raises(NoSuchEntry):
        queue.get(entry.id)
    with pytest.raises(NoSuchEntry):
        queue.delete(entry.id)
    assert queue.events(entry.id) == []


def test_events_come_in_order_after_one(queue, submission):
    entry, _ = queue.submit(submission())
    queue.claim("one")
    desk = DriverDesk(queue.database, entry.id, 1)
    desk.begin()
    for number in range(5):
        desk.say(f"line {number}")
    events = queue.events(entry.id)
    assert [event.id for event in events] == sorted(event.id for event in events)
    assert [event.data["text"] for event in events if event.kind == "line"] == [
        f"line {number}" for number in range(5)
    ]
    assert queue.events(entry.id, after=events[-2].id) == events[-1:]
    assert queue.events(entry.id, limit=2) == events[:2]


def test_every_move_that_is_not_in_the_table_is_refused(queue, submission):
    entry, _ = queue.submit(submission())
    for source, target in itertools.product(EntryState, EntryState):
        with queue.database.writing() as connection:
            connection.execute(sa.update(db.entry).values(state=str(source)))
        if target in MOVES[source]:
            queue.move(entry.id, target)
        else:
            with pytest.raises(IllegalMove):
                queue.move(entry.id, target)
            assert queue.get(entry.id).state is source


@given(st.sampled_from(EntryState))
def test_every_state_that_is_not_ended_can_end(state):
    reached, wave = set(), {state}
    while wave:
        reached |= wave
        wave = {target for one in wave for target in MOVES[one]} - reached
    assert reached & ENDED
    assert ACTIVE.isdisjoint(ENDED)
