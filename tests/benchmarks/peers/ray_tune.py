"""Iris by Ray Tune with OptunaSearch: `python -m tests.benchmarks.peers.ray_tune TRAININGS off|on`.

Written as Ray's guide does it: a function for each trial, or, with reuse_actors, a class that is
reset between trials, because only classes can be reused.
"""

from __future__ import annotations

import sys
import tempfile
from typing import Any

import ray
from ray import tune
from ray.tune.search.optuna import OptunaSearch

from tests.benchmarks.peers import iris


def a_trial(config: dict[str, Any], variant: str, data: iris.Data) -> None:
    """One training as a function."""
    tune.report({"accuracy": iris.train(variant, config, data)})


class Reusable(tune.Trainable):
    """One training as a class whose actor serves the next one."""

    def setup(self, config: dict[str, Any], variant: str, data: iris.Data) -> None:
        """Keep what every trial needs."""
        self._variant, self._data = variant, data

    def step(self) -> dict[str, Any]:
        """The whole training is one step."""
        return {"accuracy": iris.train(self._variant, self.config, self._data), "done": True}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Keep nothing; Tune asks when a trial ends."""

    def load_checkpoint(self, checkpoint: dict[str, Any] | None) -> None:
        """There is nothing to load."""

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take the next trial's hyperparameters."""
        self.config = new_config
        return True


def main(trainings: int, reuse: bool) -> None:
    """Search both variants, each with half of the trainings."""
    ray.init(address="local", include_dashboard=False, log_to_driver=False)
    data = iris.data()
    space = {
        "learning_rate": tune.loguniform(*iris.RATES),
        "batch_size": tune.choice(iris.BATCHES),
        "depth": tune.choice([1, 2]),
    }
    with tempfile.TemporaryDirectory() as folder:
        for variant in ("sequential", "functional"):
            trainable = tune.with_parameters(
                Reusable if reuse else a_trial, variant=variant, data=data
            )
            found = tune.Tuner(
                tune.with_resources(trainable, {"cpu": 1}),
                param_space=space,
                tune_config=tune.TuneConfig(
                    search_alg=OptunaSearch(metric="accuracy", mode="max", seed=1),
                    num_samples=trainings // 2,
                    reuse_actors=reuse,
                ),
                run_config=tune.RunConfig(storage_path=folder, verbose=0),
            ).fit()
            if found.num_errors:
                raise SystemExit(f"{found.num_errors} trials failed: {found.errors[0]}")
    ray.shutdown()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2] == "on")
