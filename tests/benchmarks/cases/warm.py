"""One more training of a shape that was trained before, against `model.fit` in a warm process."""

from __future__ import annotations

from tests.benchmarks.case import Result, Size, against, alternate
from tests.benchmarks.plain import Beside
from tests.benchmarks.trials import Bench

WHAT = "One more training of a known shape, warm, against warm `model.fit` of a new model"
SHAPE = {"learning_rate": 0.01, "batch_size": 16, "depth": 2}


def measure(size: Size) -> Result:
    """Iris, 30 epochs, batches of 16; both validate after each epoch."""
    bench = Bench("iris", epochs=30)
    rounds = size.of(9, least=3)
    first, *others = bench.specs("sequential", SHAPE, 1 + rounds)
    strategy = bench.quickest(first)
    specs = iter(spec.model_copy(update={"strategy": strategy}) for spec in others)
    solved = bench.run(first).hyperparameters
    with Beside("iris", bench.epochs, "sequential", solved) as plain:
        plain.seconds("fit_a_new_model")
        seconds = alternate(
            {
                "ours": lambda: bench.seconds(next(specs)),
                "fit": lambda: plain.seconds("fit_a_new_model"),
            },
            rounds,
        )
    return [against(WHAT, seconds["ours"], seconds["fit"], 40, f"strategy {strategy}")]
