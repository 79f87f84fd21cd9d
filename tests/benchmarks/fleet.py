"""One driver and a Ray of a thousand CPUs that are not there: `python -m tests.benchmarks.fleet`.

The campaign, Optuna, the ledger and MLflow's copy on SQLite, the schedule, the crew, Ray and its calls are
real. Invented are the CPUs, and the trainings, which wait: a place is not a process, but hundreds of them
share one. docs/scale.md has its figures.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from service.app import facts
from service.app.home import Home
from service.app.tracking import Tracking
from service.campaign import Campaign
from service.cli.board import Board
from service.cli.progress import Log
from service.contracts.results import Cost, Outcome
from service.contracts.strategy import STRATEGIES, Timing
from service.contracts.trial import TrialSpec
from service.execution import ray_session
from service.execution.ray_actor import Arrival
from service.execution.ray_crew import Crew
from service.execution.ray_pool import RayPool
from service.stores.ledger import LedgerStore
from service.stores.optuna_search import propose
from tests.benchmarks.case import ROOT
from tests.benchmarks.cases.bookkeeping import outcome
from tests.benchmarks.trials import Bench

HOSTS = 10
"""Processes that hold all places."""

TRIALS, BATCH, RETRAIN, EPOCHS = 16, 8, 3, 5
ROUNDS = 3
"""Trainings one after another in a repetition: two batches, and the winners again."""

SIZES = ((100, 1.0), (100, 10.0), (1000, 10.0), (1000, 30.0), (1000, 0.0))
"""Places, and seconds of each training; with none the driver never waits."""


class Host:
    """Some places in one process; what a place was sent runs one after another."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._turns: dict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def equip(self, place: int) -> Arrival:
        """Ready at once."""
        return Arrival(0, f"node-{place}")

    async def run(
        self, place: int, specs: list[TrialSpec], attempts: list[int], resume: bool
    ) -> tuple[list[Outcome], int]:
        """Wait as long as training would take."""
        async with self._turns[place]:
            await asyncio.sleep(self._seconds * len(specs))
        return [self._told(spec) for spec in specs], 0

    def _told(self, spec: TrialSpec) -> Outcome:
        found = outcome(spec)
        cost = Cost(train_seconds=self._seconds, total_seconds=self._seconds, worker="stub:1")
        return Outcome(found.result.model_copy(update={"cost": cost}))


@dataclass(frozen=True)
class Call:
    """What has `remote`, as an actor's methods have."""

    remote: Callable[..., Any]


class Place:
    """One place, called as an actor is."""

    def __init__(self, host: Any, number: int) -> None:
        self.equip = Call(lambda *equipment: host.equip.remote(number))
        self.run = Call(lambda *given: host.run.remote(number, *given))


class Fleet:
    """Places as a crew's source; see `service.execution.ray_lending.Source`."""

    def __init__(self, ray: Any, seconds: float, places: int) -> None:
        terms = {"num_cpus": 0, "max_concurrency": 2 * places}
        remote = ray.remote(Host).options(**terms)
        self.hosts = [remote.remote(seconds) for _ in range(HOSTS)]
        self._hired = 0

    def hire(self) -> Place:
        """The next place."""
        self._hired += 1
        return Place(self.hosts[self._hired % HOSTS], self._hired)

    def adopt(self, wanted: int) -> list[Any]:
        """None is there from before."""
        return []

    def part(self, actor: Place, *, sound: bool) -> None:
        """It was never started."""

    def is_waiting(self, actor: Place) -> bool:
        """Each has its place."""
        return False

    def make_room(self) -> None:
        """Nobody is in the way."""


def main() -> None:
    """Measure and print, a line each."""
    os.environ["PYTHONPATH"] = str(ROOT)  # Ray's processes find the stub
    most = max(places for places, _ in SIZES)
    ray = ray_session.connect(None, cpus=most)
    for places, seconds in SIZES:
        print(_line(ray, places, seconds), flush=True)


def _line(ray: Any, places: int, seconds: float) -> str:
    repetitions = places // (2 * BATCH)  # as many trainings at once as there are places
    settings = {
        "search.trials": TRIALS,
        "search.batch": BATCH,
        "design.retrain": RETRAIN,
        "design.repetitions": f"[{repetitions}]",
    }
    bench = Bench("iris", EPOCHS, [f"{key}={value}" for key, value in settings.items()])
    fleet = Fleet(ray, seconds, places)
    ray.get([host.equip.remote(0) for host in fleet.hosts])
    crew = Crew(ray, bench.plan.runtime, source=fleet, max_parallel=places)
    process = psutil.Process()
    with tempfile.TemporaryDirectory() as folder:
        home = Home.open(Path(folder))
        store = LedgerStore(home.ledger_url, home.path)
        ledger = store.open_experiment(bench.plan, {"data": facts.data(bench.datasets)})
        tracking = Tracking.start(ledger, home, bench.plan, lambda text: None)
        pool = RayPool(
            ray, crew, bench.planned.pairs, bench.datasets, 3600, known=_known(bench, seconds)
        )
        progress = Log(Board(bench.plan), lambda line: None)
        worked, began = process.cpu_times(), time.perf_counter()
        Campaign(bench.plan, pool, ledger, propose, progress).run()
        took = time.perf_counter() - began
        work = sum(process.cpu_times()[:2]) - sum(worked[:2])
        trials = len(ledger.results())
        tracking.outbox.close(timeout=0)
        tracking.searches.close(timeout=3600)
        pool.close()
        store.close()
    for host in fleet.hosts:
        ray.kill(host)
    least = f", {took / (ROUNDS * seconds):.2f} times the least" if seconds else ""
    return (
        f"{places} places, trainings of {seconds:.0f} s: {trials} in {took:.1f} s{least}; "
        f"{trials / took:.0f} a second, {1000 * work / trials:.1f} ms of the driver's processors each"
    )


def _known(bench: Bench, seconds: float) -> dict[str, list[Timing]]:
    """What a run measures before its first trial: how long these will take."""
    plan = bench.plan.pair("iris")
    return {
        plan.name: [
            Timing(variant=variant, strategy=strategy, epoch_seconds=seconds / EPOCHS)
            for variant in plan.spaces
            for strategy in STRATEGIES
        ]
    }


if __name__ == "__main__":
    main()
