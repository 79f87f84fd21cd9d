"""A whole Iris experiment against the same number of trainings by KerasTuner."""

from __future__ import annotations

from importlib.util import find_spec

from tests.benchmarks.case import Result, Size, Skipped, against, process
from tests.benchmarks.peers.against import ours, scaled, what


def measure(size: Size) -> Result:
    """As above; KerasTuner's BayesianOptimization trains one after another in one process."""
    if find_spec("keras_tuner") is None:
        return Skipped("KerasTuner is not installed; `make bench` does that")
    seconds = ours(size)
    theirs, told = scaled(_tuned, size)
    return [against(what(size, "KerasTuner"), seconds, theirs, 20, told)]


def _tuned(count: int) -> float:
    return process("-m", "tests.benchmarks.peers.keras_tuner_search", str(count))
