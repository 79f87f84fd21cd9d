"""JAX on a GPU: many trainings vectorised against one."""

from __future__ import annotations

import subprocess
import threading
from statistics import mean

from service.app.running import local_gpus
from tests.benchmarks.case import Result, Row, Size, Skipped, alternate
from tests.benchmarks.trials import Bench

SHAPE = {"learning_rate": 0.003, "batch_size": 64, "depth": 2, "dropout": 0.3}
TOGETHER = 64


def measure(size: Size) -> Result:
    """64 trainings of the MNIST network at once, 4 epochs each, warm."""
    if not local_gpus():
        return Skipped("no GPU is here")
    overrides = ["backend=jax", "resources.gpus_per_trial=1", "resources.cpus_per_trial=1"]
    bench = Bench("mnist", epochs=4, overrides=overrides)
    strategy = f"vmap/{TOGETHER}"
    specs = [
        spec.model_copy(update={"strategy": strategy})
        for spec in bench.specs("sequential", SHAPE, TOGETHER)
    ]
    sides = {"one": lambda: bench.together(specs[:1]), "all": lambda: bench.together(specs)}
    for side in sides.values():
        side()
    with Busy() as busy:
        seconds = alternate(sides, size.rounds)
    return [
        Row(
            f"{TOGETHER} vectorised trainings of the MNIST CNN against one",
            seconds["all"] / seconds["one"],
            6,
            f"{seconds['all']:.2f} s against {seconds['one']:.2f} s, GPU busy {busy.share:.0%}",
            at_least=False,
        )
    ]


class Busy:
    """Samples how busy the GPU is, twice a second; a context manager."""

    def __init__(self) -> None:
        self._seen: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    @property
    def share(self) -> float:
        """The mean share of the time in which the GPU did something."""
        return mean(self._seen) if self._seen else 0.0

    def __enter__(self) -> Busy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        query = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
        while not self._stop.wait(0.5):
            told = subprocess.run(query, capture_output=True, text=True).stdout.split()
            if told:
                self._seen.append(float(told[0]) / 100)
