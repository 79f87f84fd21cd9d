"""Seconds per epoch of an MNIST network, against plain `fit` and the best loop written by hand."""

from __future__ import annotations

import os

from tests.benchmarks.case import Result, Row, Size, alternate
from tests.benchmarks.plain import Beside
from tests.benchmarks.trials import Bench

SHAPE = {"learning_rate": 0.003, "batch_size": 64, "depth": 2, "dropout": 0.3}
TARGETS = {"plain `fit`": 0.65, "the best hand-written loop": 1.03}


def measure(size: Size) -> Result:
    """3,000 digits train, 1,000 validate after each epoch; compiled before, all cores for each."""
    cores = f"resources.cpus_per_trial={os.cpu_count()}"
    bench = Bench("mnist", epochs=size.of(6, least=3), overrides=[cores])
    rounds = 3 * size.rounds  # seconds each, and the two best sides are within 3% of one another
    first, *others = bench.specs("sequential", SHAPE, 1 + rounds)
    strategy = bench.quickest(first)
    specs = iter(spec.model_copy(update={"strategy": strategy}) for spec in others)
    solved = bench.run(first).hyperparameters
    with Beside("mnist", bench.epochs, "sequential", solved) as plain:
        sides = {
            "ours": lambda: bench.run(next(specs)).cost.train_seconds,
            "plain `fit`": lambda: plain.seconds("fit_the_same_model"),
            "the best hand-written loop": lambda: plain.seconds("loop_over_the_same_model"),
        }
        for name in TARGETS:
            sides[name]()
        seconds = {n: s / bench.epochs for n, s in alternate(sides, rounds).items()}
    ours = seconds["ours"]
    return [
        Row(
            f"MNIST CNN, seconds per epoch, against {other}",
            ours / seconds[other],
            target,
            f"{ours:.3f} s against {seconds[other]:.3f} s, strategy {strategy}",
            at_least=False,
        )
        for other, target in TARGETS.items()
    ]
