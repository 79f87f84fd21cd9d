"""How long a warm epoch takes, found out in about a second however large the model is, or an answer."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from service.training.course import Orders, Watch
from service.training.program import Program

FEW_STEPS = 4
MANY_STEPS = 64
EPOCHS = 4
SHORT_SECONDS = 0.05
"""A call that is shorter than this is repeated over more steps: its own cost would be counted."""

CALLS = 5
ENOUGH_SECONDS = 1.0
ANSWERS = 30


def epoch(program: Program, orders: Orders, watch: Watch) -> float:
    """Seconds of a warm epoch with its answers; whatever shape is timed was run once before.

    Args:
        program: a program that was started.
        orders: of the training that is timed; nothing is drawn from them.
        watch: what scores an epoch.
    """
    steps = orders.shape[0]
    few = min(steps, FEW_STEPS)
    per_epoch = _seconds(program, orders, watch, 1, few)
    if per_epoch < SHORT_SECONDS:
        few = min(steps, MANY_STEPS)
        per_epoch = _seconds(program, orders, watch, min(EPOCHS, watch.most_epochs), few)
    return per_epoch * steps / few


def _seconds(program: Program, orders: Orders, watch: Watch, epochs: int, steps: int) -> float:
    """The median time of some calls, for one epoch of that many steps."""
    given = orders.example(epochs, steps)
    watch.chunk(program, given)
    taken: list[float] = []
    while len(taken) < CALLS and sum(taken) < ENOUGH_SECONDS:
        started = time.perf_counter()
        watch.chunk(program, given)
        taken.append(time.perf_counter() - started)
    return median(taken) / epochs


def latency(answer: Callable[[], object]) -> float:
    """Seconds that an answer takes, median of some."""
    answer()
    seconds = []
    for _ in range(ANSWERS):
        started = time.perf_counter()
        answer()
        seconds.append(time.perf_counter() - started)
    return median(seconds)
