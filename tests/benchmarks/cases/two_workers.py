"""Two Ray workers against one: the same trials, as long as each keeps a core busy."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from service.contracts.trial import TrialSpec
from service.execution import ray_session
from service.execution.ray_crew import Crew
from service.execution.ray_pool import RayPool
from tests.benchmarks.case import Result, Row, Size, Skipped, alternate
from tests.benchmarks.trials import Bench

SHAPE = {"learning_rate": 0.003, "batch_size": 64, "depth": 2, "dropout": 0.0}


def measure(size: Size) -> Result:
    """64 trainings of the MNIST network, an epoch each; workers are warm."""
    if (os.cpu_count() or 1) < 2:
        return Skipped("this machine has one core")
    count = size.of(64, least=16)
    bench = Bench("mnist", epochs=1)
    specs = bench.specs("sequential", SHAPE, count)
    rounds = min(3, size.rounds)
    with _pool(bench, 1) as one, _pool(bench, 2) as two:
        sides = {"one": lambda: _seconds(one, specs), "two": lambda: _seconds(two, specs)}
        for pool in (one, two):
            _seconds(pool, specs[:8])
        seconds = alternate(sides, rounds)
    return [
        Row(
            f"Two Ray workers against one, {count} equal trials",
            seconds["one"] / seconds["two"],
            1.85,
            f"{seconds['one']:.1f} s against {seconds['two']:.1f} s",
        )
    ]


def _seconds(pool: RayPool, specs: list[TrialSpec]) -> float:
    started = time.perf_counter()
    # As a campaign does: batches of 4, and what came back is taken at once.
    for begin in range(0, len(specs), 4):
        pool.submit(specs[begin : begin + 4])
    while outcomes := pool.collect():
        for outcome in outcomes:
            if not outcome.result.ok:
                raise RuntimeError(outcome.result.reason)
    return time.perf_counter() - started


@contextmanager
def _pool(bench: Bench, workers: int) -> Iterator[RayPool]:
    ray = ray_session.connect(None, cpus=3)  # both pools at once; one of them waits
    crew = Crew(ray, bench.plan.runtime, max_parallel=workers)
    pool = RayPool(ray, crew, bench.planned.pairs, bench.datasets, 3600)
    try:
        yield pool
    finally:
        pool.close()
