"""What every tool trains: the models of the pair `iris` on one of its splits, in plain Keras."""

from __future__ import annotations

from typing import Any

import numpy as np

from experiments.pairs.iris import PAIR
from service.contracts.data import Examples

EPOCHS, BATCHES, RATES = PAIR.epochs, [16, 32], (3e-3, 1e-1)
WIDTHS = {
    ("sequential", 1): 131,
    ("sequential", 2): 28,
    ("functional", 1): 129,
    ("functional", 2): 28,
}
"""What archduel solves for 1,050 parameters, by variant and depth."""

Data = tuple[tuple[Any, Any], tuple[Any, Any]]


def data() -> Data:
    """Inputs and targets for training and for validation."""
    dataset = PAIR.sources[0].load(None)
    split = PAIR.split(dataset, np.random.default_rng(1))
    train, validation = (dataset.examples.take(index) for index in (split.train, split.validation))
    transform = PAIR.prepare(train)
    return _arrays(transform(train)), _arrays(transform(validation))


def model(variant: str, depth: int, learning_rate: float) -> Any:
    """A compiled model of the pair."""
    import keras

    built = PAIR.variant(variant).build({"depth": depth, "width": WIDTHS[variant, depth]})
    built.compile(
        keras.optimizers.Adam(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return built


def train(variant: str, config: dict[str, Any], given: Data) -> float:
    """One training; returns its validation accuracy after the last epoch."""
    history = model(variant, int(config["depth"]), float(config["learning_rate"])).fit(
        *given[0],
        epochs=EPOCHS,
        batch_size=int(config["batch_size"]),
        validation_data=given[1],
        verbose=0,
    )
    return float(history.history["val_accuracy"][-1])


def _arrays(examples: Examples) -> tuple[Any, Any]:
    return examples.inputs["features"], examples.targets["species"]
