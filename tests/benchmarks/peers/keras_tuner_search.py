"""Iris by KerasTuner: `python -m tests.benchmarks.peers.keras_tuner_search TRAININGS`."""

from __future__ import annotations

import sys
import tempfile
from typing import Any

import keras_tuner

from tests.benchmarks.peers import iris


class Hypermodel(keras_tuner.HyperModel):
    """One variant with its search space."""

    def __init__(self, variant: str) -> None:
        super().__init__()
        self._variant = variant

    def build(self, hp: Any) -> Any:
        """A compiled model."""
        return iris.model(
            self._variant,
            hp.Choice("depth", [1, 2]),
            hp.Float("learning_rate", *iris.RATES, sampling="log"),
        )

    def fit(self, hp: Any, model: Any, *args: Any, **kwargs: Any) -> Any:
        """Train with the batch size that is searched."""
        batch = hp.Choice("batch_size", iris.BATCHES)
        return model.fit(*args, batch_size=batch, **kwargs)


def main(trainings: int) -> None:
    """Search both variants, each with half of the trainings."""
    train, validation = iris.data()
    with tempfile.TemporaryDirectory() as folder:
        for variant in ("sequential", "functional"):
            keras_tuner.BayesianOptimization(
                Hypermodel(variant),
                objective="val_accuracy",
                max_trials=trainings // 2,
                seed=1,
                directory=folder,
                project_name=variant,
            ).search(*train, epochs=iris.EPOCHS, validation_data=validation, verbose=0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
