"""Hyperparameters whose best value keeps lying at the edge of what was searched."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from service.contracts.pair import Hyperparameters
from service.contracts.plan import RangePlan

EDGE = 0.05
"""The part of a range, at either end, that counts as its edge (on the scale that is searched)."""
_FEWEST_CHOICES = 3  # of two choices each is an edge


def at_an_edge(
    space: Mapping[str, RangePlan], winners: Sequence[Hyperparameters]
) -> list[tuple[str, str, int]]:
    """Return the hyperparameters whose optimum lies at the same end in most repetitions.

    A single winner at an edge is chance: one in ten uniform draws lies there. Most of them at
    the same end says that the range should have gone further.

    Args:
        space: what was searched, by name.
        winners: the hyperparameters of each repetition's winner.

    Returns:
        (name, "lower end" or "upper end", how many winners lie there), by name.
    """
    found = []
    for name in sorted(space):
        values = [winner[name] for winner in winners if name in winner]
        numbers = [float(v) for v in values if isinstance(v, int | float)]
        for end, count in zip(("lower end", "upper end"), _ends(space[name], numbers), strict=True):
            if count > len(values) / 2:
                found.append((name, end, count))
    return found


def _ends(searched: RangePlan, values: Sequence[float]) -> tuple[int, int]:
    """How many values lie at the lower and at the upper end."""
    low, high = searched.low, searched.high
    if searched.kind == "choice":
        offered = [
            float(v)
            for v in searched.values
            if isinstance(v, int | float) and not isinstance(v, bool)
        ]
        if len(offered) < max(_FEWEST_CHOICES, len(searched.values)):
            return 0, 0  # words have no order, and so no edge
        low, high = min(offered), max(offered)
        return sum(v <= low for v in values), sum(v >= high for v in values)
    if low is None or high is None or low == high:
        return 0, 0
    if searched.log:
        low, high = math.log(low), math.log(high)
        values = [math.log(v) for v in values if v > 0]
    reach = EDGE * (high - low)
    if searched.kind == "whole" and not searched.log:
        reach = min(reach, 0.5)
    return sum(v <= low + reach for v in values), sum(v >= high - reach for v in values)
