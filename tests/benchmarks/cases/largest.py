"""The largest pair that a processor trains: a whole first trial against the bare loop."""

from __future__ import annotations

import os

from tests.benchmarks.case import Result, Row, Size, alternate
from tests.benchmarks.plain import Beside
from tests.benchmarks.trials import Bench

WHAT = "The largest pair on this CPU, whole trial against the bare loop"
PAIR, VARIANT = "densenet", "functional"
SHAPE = {"learning_rate": 0.002, "batch_size": 32, "depth": 5}


def measure(size: Size) -> Result:
    """DenseNet; building, tracing and validation count on both sides, all cores for each."""
    cores = f"resources.cpus_per_trial={os.cpu_count()}"
    bench = Bench(PAIR, epochs=size.of(8, least=1), overrides=[cores])
    rounds = min(3, size.rounds)
    warming, *others = bench.specs(VARIANT, SHAPE, 1 + rounds)
    specs = iter(others)
    solved = bench.run(warming).hyperparameters

    def ours() -> float:
        bench.forget_programs()
        return bench.seconds(next(specs))

    with Beside(PAIR, bench.epochs, VARIANT, solved) as plain:
        plain.seconds("loop_over_a_new_model")
        seconds = alternate(
            {"ours": ours, "loop": lambda: plain.seconds("loop_over_a_new_model")}, rounds
        )
    told = f"{seconds['ours']:.1f} s against {seconds['loop']:.1f} s"
    return [
        Row(
            WHAT,
            seconds["ours"] / seconds["loop"],
            1.05,
            f"{PAIR}, {bench.epochs} epochs, {told}",
            at_least=False,
        )
    ]
