"""The service as it runs: two of them on one PostgreSQL, and a cancel that leaves nothing behind."""

from __future__ import annotations

import os
import signal
import time

import pytest

from service.contracts.entry import ENDED, EntryState
from service.contracts.wire import GivenExperiment
from service.database.engine import Database
from service.queue.queue import Queue
from service.stores.ledger import LedgerStore
from tests.soak.config import CONFIG, overrides
from tests.soak.rig import Rig
from tests.toys.postgres import binaries

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(binaries() is None, reason="no PostgreSQL server is installed here"),
]

LONG = "search.trials=200"


@pytest.fixture
def rig(tmp_path, request):
    rig = Rig(tmp_path, request.param, warm_seconds=60)
    yield rig
    rig.close()


def submit(service, seed, *more):
    experiment = GivenExperiment(config=CONFIG, overrides=[*overrides(seed), *more], anew=True)
    return service.client().submit(experiment, {})[0].id


def wait_for(condition, seconds=900.0):
    """Wait until something has happened; it has no time of its own to keep."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.2)
    return found


@pytest.mark.parametrize("rig", [1], indirect=True)
def test_cancelling_stops_everything_that_was_started(rig):
    rig.wait_until_ready()
    (service,) = rig.services
    identity = submit(service, 0, LONG)
    client = service.client()
    wait_for(lambda: client.get(identity).done > 2)
    assert service.processes("driver")
    assert service.processes("worker")
    client.cancel(identity)
    wait_for(lambda: client.get(identity).state is EntryState.CANCELLED)
    wait_for(lambda: not service.processes("driver") and not service.processes("worker"))


@pytest.mark.parametrize("rig", [2], indirect=True)
def test_two_services_share_one_queue_and_one_may_die(rig):
    rig.wait_until_ready()
    queue = Queue(Database(rig.database, patience_seconds=60))
    ids = [submit(service, seed) for seed in range(3) for service in rig.services]
    both = wait_for(lambda: len({one.holder for one in queue.page() if one.holder}) == 2)
    assert both, "each has claimed something"
    dead, alive = rig.services
    for victim in ("service", "gcs_server"):  # the machine is gone
        for process in dead.processes(victim):
            os.kill(process.pid, signal.SIGKILL)
    wait_for(lambda: all(queue.get(identity).state in ENDED for identity in ids))
    assert {queue.get(identity).state for identity in ids} == {EntryState.DONE}
    ledger = LedgerStore(rig.database, dead.home)
    for identity in ids:
        assert len(ledger.experiment(queue.get(identity).ledger_name).results()) == 14
    assert alive.ready()
