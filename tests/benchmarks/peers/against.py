"""Our side of the Iris cases, and how a peer's few trainings are scaled to all of them."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean

from tests.benchmarks.case import Size, archduel_run

REPETITIONS, TRIALS, RETRAIN = 10, 16, 2


def trainings(size: Size) -> int:
    """How many trainings both sides do; archduel's controls are not counted."""
    return size.of(REPETITIONS, least=2) * 2 * (TRIALS + RETRAIN)


def what(size: Size, peer: str) -> str:
    """The row's title."""
    return f"{trainings(size)} trainings of Iris, whole process, against {peer}"


def ours(size: Size) -> float:
    """Seconds of `archduel run`, the mean of two."""
    overrides = [
        f"design.repetitions=[{size.of(REPETITIONS, least=2)}]",
        f"search.trials={TRIALS}",
        f"design.retrain={RETRAIN}",
    ]
    return fmean(archduel_run("configs/iris.yaml", overrides) for _ in range(2))


def scaled(tuned: Callable[[int], float], size: Size) -> tuple[float, str]:
    """What a peer would take for all trainings.

    Args:
        tuned: runs a process of so many trainings; its seconds.
        size: how many there are, and how many of them are measured.

    Returns:
        Seconds, and how they came about: start-up counts once, each training with the difference
        between a short process and a longer one, together of 24 trainings.

    Raises:
        RuntimeError: the machine was so busy that the longer process took less time.
    """
    few, more = 4, size.of(20, least=8)
    short, long = tuned(few), tuned(more)
    if long <= short:
        raise RuntimeError(f"{few} trainings took {short:.0f} s, {more} only {long:.0f} s")
    each = (long - short) / (more - few)
    told = f"{short:.0f} s for {few} and {long:.0f} s for {more} trainings, {each:.2f} s each"
    return short + (trainings(size) - few) * each, told
