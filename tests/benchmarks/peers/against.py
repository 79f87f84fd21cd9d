"""Our side of the Iris cases, and how a peer's few trainings are scaled to all of them."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

from tests.benchmarks.case import Size, archduel_run

REPETITIONS, TRIALS, RETRAIN = 10, 16, 2


def trainings(size: Size) -> int:
    """How many trainings both sides do; archduel's controls are not counted."""
    return size.of(REPETITIONS, least=2) * 2 * (TRIALS + RETRAIN)


def what(size: Size, peer: str) -> str:
    """The row's title."""
    return f"{trainings(size)} trainings of Iris, whole process, against {peer}"


def ours(size: Size) -> float:
    """Seconds of `archduel run`, median of a few."""
    overrides = [
        f"design.repetitions=[{size.of(REPETITIONS, least=2)}]",
        f"search.trials={TRIALS}",
        f"design.retrain={RETRAIN}",
    ]
    return median(archduel_run("configs/iris.yaml", overrides) for _ in range(min(3, size.rounds)))


def scaled(tuned: Callable[[int], float], size: Size) -> tuple[float, str]:
    """What a peer would take for all trainings.

    Args:
        tuned: runs a process of so many trainings; its seconds.
        size: how many there are, and how many of them are measured.

    Returns:
        Seconds, and how they came about: start-up counts once, each training with the difference
        between a short process and a longer one.
    """
    few, more = 4, size.of(24, least=8)
    short, long = tuned(few), tuned(more)
    each = (long - short) / (more - few)
    told = f"{short:.0f} s for {few} and {long:.0f} s for {more} trainings, {each:.2f} s each"
    return short + (trainings(size) - few) * each, told
