"""Seconds per training of Iris in a warm worker: one by one, and many at once on JAX.

    python tests/benchmarks/members.py

Each backend has a process of its own. Whole trials are timed: initial state, training, scoring and
the hash of the weights, but neither compiling nor the ledger.
"""

from __future__ import annotations

import subprocess
import sys
import time
from statistics import median

from service import catalog
from service.contracts.strategy import width
from service.contracts.trial import Runtime, Seeds, Stage, Status, TrialSpec
from service.training.worker import Worker

STRATEGIES = {
    "tensorflow": ("graph", "xla"),
    "jax": ("scan", "vmap/8", "vmap/32", "vmap/128"),
}
TIMES = 3
ONE_BY_ONE = 8


def main() -> None:
    if len(sys.argv) > 1:
        measure(sys.argv[1])
        return
    print("| backend | strategy | trainings in a call | first call, s | ms per training |")
    print("| --- | --- | --- | --- | --- |", flush=True)
    for backend in STRATEGIES:
        subprocess.run([sys.executable, __file__, backend], check=True)


def measure(backend: str) -> None:
    located = catalog.locate("iris")
    data = located.pair.sources[0].load(None)
    runtime = Runtime(backend=backend)
    worker = Worker({"iris": located}, {"iris": data}, runtime, timeout=600)
    for strategy in STRATEGIES[backend]:
        members = width(strategy)
        specs = [
            TrialSpec(
                pair="iris",
                code=located.code,
                data=data.fingerprint,
                variant="functional",
                stage=Stage.SEARCH,
                repetition=0,
                number=number,
                hyperparameters={
                    "depth": 2,
                    "learning_rate": 0.001 * (1 + number % 10),
                    "batch_size": 16,
                },
                budget=located.pair.capacity.budget if located.pair.capacity else None,
                epochs=30,
                seeds=Seeds(split=number % 4, weights=number, order=number),
                runtime=runtime,
                strategy=strategy,
            )
            for number in range(max(members, ONE_BY_ONE))
        ]
        started = time.perf_counter()
        run(worker, specs[:1])
        first = time.perf_counter() - started
        run(worker, specs)
        taken = [run(worker, specs) for _ in range(TIMES)]
        each = 1000 * median(taken) / len(specs)
        print(f"| {backend} | {strategy} | {members} | {first:.1f} | {each:.2f} |", flush=True)


def run(worker: Worker, specs: list[TrialSpec]) -> float:
    started = time.perf_counter()
    outcomes = worker.run_group(specs, [1] * len(specs))
    took = time.perf_counter() - started
    assert all(outcome.result.status is Status.OK for outcome in outcomes)
    return took


if __name__ == "__main__":
    main()
