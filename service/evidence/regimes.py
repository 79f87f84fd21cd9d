"""The same search trials under other budgets: what a smaller budget, equal in time or in operations,
would have found.

Both variants get the same number of trials. Where one of them trains longer, or computes more, that
is not the same time or the same operations. A study is proposed batch by batch from what came before,
so its first trials are what a smaller budget would have run: each repetition's smaller total is given
to both variants, and the best of the trials that fit into it are compared. These are validation
scores, for only the winners of the whole search are tested. Nothing is decided by them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import median

from service.evidence.records import Regime
from service.evidence.rows import Row
from service.evidence.selection import Gain, winner
from service.evidence.spending import training_flops
from service.stats.paired import t_interval

LEVEL = 0.05

TOLERANCE = 0.05
"""Trials fit into a budget that they exceed by this part: sizes are matched no better than that."""

Spent = Callable[[Row], float | None]


_REGIMES: tuple[tuple[str, str, Spent, bool], ...] = (
    ("equal trials", "trials", lambda result: 1.0, False),
    ("equal training time", "s", lambda result: result.cost.train_seconds, True),
    ("equal FLOPs", "FLOPs", training_flops, False),
)


def regimes(
    metric: Gain,
    variants: tuple[str, str],
    searches: Sequence[Mapping[str, Sequence[Row]]],
    n_planned: int,
) -> tuple[Regime, ...]:
    """Compare the two variants' searches under each kind of equal budget.

    Args:
        metric: the primary metric, with its direction.
        variants: the reference's name and the challenger's.
        searches: per repetition, the search trials by variant, in any order.
        n_planned: searches planned per variant.

    Returns:
        One record per regime. A search in which a trial's cost is not known is left out.
    """
    found = []
    for name, unit, spent, measured in _REGIMES:
        rows = [
            row
            for search in searches
            if (row := _one(metric, [search[each] for each in variants], spent)) is not None
        ]
        differences = [difference for _, _, difference in rows]
        interval = t_interval(differences, LEVEL).interval if differences else None
        found.append(
            Regime(
                name=name,
                unit=unit,
                budget=median(budget for budget, _, _ in rows) if rows else None,
                trials=_mean_counts([counts for _, counts, _ in rows]),
                difference=math.fsum(differences) / len(rows) if rows else None,
                interval=interval,
                n_ok=len(rows),
                n_planned=n_planned,
                measured=measured,
            )
        )
    return tuple(found)


def _one(
    metric: Gain, sides: Sequence[Sequence[Row]], spent: Spent
) -> tuple[float, tuple[int, int], float] | None:
    """One search each: the budget, the trials that fit into it, the difference of the best."""
    totals = []
    for side in sides:
        costs = [spent(result) for result in side]
        known = [cost for cost in costs if cost is not None]
        if not known or len(known) < len(costs):
            return None
        totals.append(math.fsum(known))
    budget = min(totals)
    first, second = (_within(side, spent, budget) for side in sides)
    ours, theirs = winner(metric, first), winner(metric, second)
    if ours is None or theirs is None or ours.score is None or theirs.score is None:
        return None
    return budget, (len(first), len(second)), metric.gain(theirs.score, ours.score)


def _within(side: Sequence[Row], spent: Spent, budget: float) -> list[Row]:
    """The first trials that the budget pays for; all of them where it is about their own total."""
    ordered = sorted(side, key=lambda result: result.spec.number)
    costs = [spent(result) or 0.0 for result in ordered]
    return [
        result
        for place, result in enumerate(ordered)
        if math.fsum(costs[: place + 1]) <= budget * (1 + TOLERANCE)
    ]


def _mean_counts(counts: Sequence[tuple[int, int]]) -> tuple[float, float] | None:
    if not counts:
        return None
    first, second = (sum(column) / len(counts) for column in zip(*counts, strict=True))
    return first, second
