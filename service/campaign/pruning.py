"""The median rule, as numbers that travel with a trial.

Asking a running study whether to go on would make a result depend on who finished first. So the
bar for each epoch is fixed when a batch is proposed: from the trials told before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from service.contracts.ports import Told
from service.contracts.trial import Status

STARTUP_TRIALS = 4
"""Trials that must have ended before any is pruned."""

WARMUP_SHARE = 1 / 3
"""No trial is pruned in this first share of its epochs."""


def median_bars(pruner: str, epochs: int, told: Sequence[Told]) -> tuple[float | None, ...]:
    """The validation score that a trial must not fall behind, by epoch.

    The rule is the median stopping rule of Golovin et al. 2017 ("Google Vizier", 3.2.2) with the
    score at an epoch in place of its running mean, as Optuna's `MedianPruner` has it.

    Args:
        pruner: "none" or "median".
        epochs: the most epochs of a trial.
        told: the study's trials so far, in their order.

    Returns:
        One value per epoch, None where there is no bar; empty when nothing is pruned.
    """
    counted = [one for one in told if one.status in (Status.OK, Status.PRUNED)]
    if pruner == "none" or len(counted) < STARTUP_TRIALS:
        return ()
    bars: list[float | None] = []
    for epoch in range(epochs):
        seen = [one.curve[epoch] for one in counted if epoch < len(one.curve)]
        early = epoch < WARMUP_SHARE * epochs
        bars.append(None if early or not seen else float(median(seen)))
    return tuple(bars)
