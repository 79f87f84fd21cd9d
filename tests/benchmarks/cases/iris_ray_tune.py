"""A whole Iris experiment against the same number of trainings by Ray Tune with OptunaSearch."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec

from tests.benchmarks.case import Result, Size, Skipped, against, process
from tests.benchmarks.peers.against import ours, scaled, what

TARGETS = {"off": 40, "on": 15}


def measure(size: Size) -> Result:
    """`archduel run`: 10 repetitions, 2 variants, 16 search trials and 2 retrained winners each, and
    10 controls more. Ray Tune trains two at a time; its seconds per training come from a short and
    a longer process and are scaled. Whole processes, imports and start-up included.
    """
    if find_spec("tensorboardX") is None:
        return Skipped("Ray Tune is not installed; `make bench` does that")
    seconds = ours(size)
    rows = []
    for reuse, target in TARGETS.items():
        theirs, told = scaled(partial(_tuned, reuse), size)
        peer = f"Ray Tune, reuse_actors {reuse}"
        rows.append(against(what(size, peer), seconds, theirs, target, told))
    return rows


def _tuned(reuse: str, count: int) -> float:
    return process("-m", "tests.benchmarks.peers.ray_tune", str(count), reuse)
