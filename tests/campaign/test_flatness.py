"""Bookkeeping costs the same at any time: counted in statements, steps and objects, not seconds."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.campaign import Campaign
from service.contracts.plan import DesignPlan, SearchPlan
from service.contracts.ports import Advance
from service.contracts.results import Outcome, TrialResult
from service.stores.experiment_ledger import ExperimentLedger
from service.stores.ledger import LedgerStore
from service.stores.outbox_log import OutboxLog

REPETITIONS, TRIALS = 32, 8  # 32 x (2 x (8 + 1) + 1) = 608 trainings


@pytest.fixture
def plan(world: Any) -> Any:
    return world.plan(
        search=SearchPlan(trials=TRIALS, sampler="random", pruner="none", batch=4),
        design=DesignPlan(looks=(REPETITIONS,), retrain=1, confidence=0.95, seed=0),
    )


@pytest.fixture
def ledger(plan: Any, tmp_path: Path) -> Iterator[ExperimentLedger]:
    store = LedgerStore(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield store.open_experiment(plan, {})
    store.close()


def test_a_trial_costs_the_ledger_the_same_statements_and_leaves_nothing_in_memory(
    world: Any, plan: Any, ledger: ExperimentLedger
) -> None:
    statements = 0

    def count(*_: object) -> None:
        nonlocal statements
        statements += 1

    sa.event.listen(ledger.database.engine, "before_cursor_execute", count)
    seen: list[tuple[int, int]] = []

    class Watched(world.Shuffled):
        def collect(self) -> list[Outcome]:
            if len(self.ran) % 100 == 0:
                seen.append((statements, _alive(TrialResult)))
            return super().collect()

    class Forgetful(world.Listener):
        def advance(self, news: Advance) -> None:
            pass

    executor = Watched(at_most=1)
    Campaign(plan, executor, ledger, world.propose, Forgetful()).run()
    assert len(executor.ran) == 608
    costs = [after - before for (before, _), (after, _) in itertools.pairwise(seen)]
    assert len(set(costs)) == 1, costs
    # What waits for the rest of its batch and the best of each search, not what was recorded.
    in_flight = 2 * REPETITIONS * (4 + 1)
    assert max(objects for _, objects in seen) <= in_flight


def test_finding_what_is_to_be_sent_takes_the_same_work_at_any_time(
    world: Any, plan: Any, ledger: ExperimentLedger
) -> None:
    executor = world.Shuffled(at_most=50)
    Campaign(plan, executor, ledger, world.propose, world.Listener()).run()
    log = OutboxLog(ledger, "somewhere")
    works = []
    while True:
        with _counted(ledger) as work:
            chunk = log.pending(50)
        if len(chunk) < 50:
            break
        works.append(work[0])
        _send(log, chunk)
    assert len(works) == 12
    assert max(works) <= 1.2 * works[0]


def _send(log: OutboxLog, chunk: Sequence[str]) -> None:
    log.claim(chunk)
    log.mark_synced(dict.fromkeys(chunk, "run"))


def _alive(kind: type) -> int:
    gc.collect()
    return sum(isinstance(one, kind) for one in gc.get_objects())


@contextmanager
def _counted(ledger: ExperimentLedger) -> Iterator[list[int]]:
    """Count the steps of SQLite's virtual machine, hundreds at a time."""
    steps = [0]

    def step() -> int:
        steps[0] += 1
        return 0

    with ledger.database.reading() as connection:
        # The engine's pool hands the same connection out again.
        raw: Any = connection.connection.driver_connection
    raw.set_progress_handler(step, 100)
    try:
        yield steps
    finally:
        raw.set_progress_handler(None, 0)
