"""What the luck of a score is made of, and what a longer or shorter search would find."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from service.contracts.plan import PairPlan, Plan
from service.contracts.results import TrialResult
from service.contracts.trial import Stage
from service.evidence.records import PairTally
from service.stats.budget import BudgetCurve, expected_best
from service.stats.variance import VarianceShares, variance_shares


def variances(plan: Plan, found: PairTally) -> tuple[VarianceShares | None, VarianceShares | None]:
    """Return the parts of repetitions and of seeds in the variance of each variant's test score.

    Where each repetition draws its split anew, its search is, too: the two cannot be told apart, and
    `split` holds both. On a fixed split `search` is alone.

    Args:
        plan: the experiment's plan.
        found: what `tally` made of its results.

    Returns:
        For the reference and the challenger; None below 2 repetitions with a score, with one
        retrained winner each, or where repetitions share their search.
    """
    sides = zip(*((r.reference, r.challenger) for r in found.repetitions), strict=True)
    scores = [[side.scores for side in column if side.scores] for column in sides]
    first, second = (_shares(plan, column) for column in scores)
    return first, second


def _shares(plan: Plan, column: Sequence[Sequence[float]]) -> VarianceShares | None:
    if plan.design.anew == "seeds" or plan.design.retrain < 2 or len(column) < 2:
        return None
    return variance_shares([[each] for each in column] if plan.design.anew == "split" else [column])


def budget_curve(
    plan: Plan, pair: PairPlan, variant: str, rows: Sequence[TrialResult], found: PairTally
) -> BudgetCurve | None:
    """Return the best validation score to be expected of searches of any length.

    The trials of all searches count together, each score less the mean of its own search and plus the
    mean of all: splits differ in how hard they are. A trial without a score leaves one with the
    trivial baseline.

    Args:
        plan: the experiment's plan: its seed draws the band.
        pair: one of its pairs.
        variant: whose searches.
        rows: the pair's results up to the look.
        found: what `tally` made of them.

    Returns:
        The curve; None without a trial that ended ok, where searches have one trial, or with failed
        ones and no baseline.
    """
    searched = [r for r in rows if r.spec.stage is Stage.SEARCH and r.spec.variant == variant]
    by_search: dict[int, list[float]] = {}
    for row in sorted(searched, key=lambda row: (row.spec.repetition, row.spec.number)):
        if row.ok and row.score is not None:
            by_search.setdefault(row.spec.repetition, []).append(row.score)
    baselines = [r.baseline for r in found.repetitions if r.baseline is not None]
    counted = sum(len(scores) for scores in by_search.values())
    failed = len(searched) - counted
    if plan.search.trials < 2 or not counted or (failed and not baselines):
        return None
    means = [math.fsum(scores) / len(scores) for scores in by_search.values()]
    overall = math.fsum(means) / len(means)
    centred = [
        score - mean + overall
        for scores, mean in zip(by_search.values(), means, strict=True)
        for score in scores
    ]
    return expected_best(
        centred,
        pair.metric.direction,
        np.random.default_rng(plan.design.seed),
        failed=failed,
        fallback=math.fsum(baselines) / len(baselines) if failed else None,
    )
