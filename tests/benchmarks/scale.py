"""What the driver does at many workers: `python -m tests.benchmarks.scale`; docs/scale.md has its figures.

The schedule is real, on a clock that is counted; the ledger is real, on SQLite.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from service.app import facts
from service.contracts.trial import TrialSpec
from service.stores.ledger import LedgerStore
from tests.benchmarks.cases import bookkeeping
from tests.benchmarks.trials import Bench

WORKERS = (10, 100, 1000)
PER_WORKER = 3
PROGRAMS = 24
ROWS, BATCH = 20_000, 50


def main() -> None:
    """Measure and print, a line each."""
    bench = Bench("iris", 1)
    space = bench.plan.pair("iris").spaces
    first = _first(space["sequential"])
    print(f"python {sys.version.split()[0]}, workers x trials each: {PER_WORKER}")
    for workers in WORKERS:
        print(f"schedule, {workers:5} workers: {schedule(bench, first, workers):8.3f} ms a trial")
    seconds, size = ledger(bench, first)
    print(
        f"ledger on SQLite: {1000 * seconds:.3f} ms and {size:,.0f} bytes a trial, {BATCH} at once"
    )


def _first(space: Any) -> dict[str, Any]:
    return {name: one.values[0] if one.values else one.low for name, one in space.items()}


def _specs(bench: Bench, given: dict[str, Any], count: int) -> list[TrialSpec]:
    """Trials of some programs, in turn."""
    found = bench.specs("sequential", given, count)
    return [
        spec.model_copy(update={"budget": 100 + place % PROGRAMS})
        for place, spec in enumerate(found)
    ]


def schedule(bench: Bench, given: dict[str, Any], workers: int) -> float:
    """Milliseconds of bookkeeping for each trial, as many a worker."""
    from tests.execution.simulation import Simulation

    specs = _specs(bench, given, workers * PER_WORKER)
    simulated = Simulation(workers, train=lambda spec: 60.0, compile=lambda spec: 10.0)
    begun = time.perf_counter()
    simulated.run(specs)
    return 1000 * (time.perf_counter() - begun) / len(specs)


def ledger(bench: Bench, given: dict[str, Any]) -> tuple[float, float]:
    """Seconds and bytes of each trial, recorded in batches."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.db"
        store = LedgerStore(f"sqlite:///{file}", Path(folder))
        kept = store.open_experiment(bench.plan, {"data": facts.data(bench.datasets)})
        outcomes = [bookkeeping.outcome(spec) for spec in _specs(bench, given, ROWS)]
        begun = time.perf_counter()
        for place in range(0, ROWS, BATCH):
            kept.record(outcomes[place : place + BATCH])
        seconds = time.perf_counter() - begun
        store.close()
        return seconds / ROWS, file.stat().st_size / ROWS


if __name__ == "__main__":
    main()
