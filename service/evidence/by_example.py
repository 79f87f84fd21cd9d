"""The difference over repetitions and test examples at once.

A test set is a sample, too. Where repetitions share test examples (all of them on a fixed split, some
of them where each split is drawn anew from one data set), what the examples have to do with the
difference can be told from what repetitions have to do with it, and the interval that covers both
says what to expect on other examples like these. It takes the examples as drawn independently of one
another, and splits that share training examples as independent, too. Nothing is decided by it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from service.contracts.plan import PairPlan
from service.contracts.trial import Stage
from service.evidence.records import PairTally
from service.evidence.rows import Row
from service.stats.twoway import TwoWay, two_way

Scores = tuple[NDArray[np.int64], NDArray[np.float64]]


def over_examples(
    pair: PairPlan, results: Iterable[Row], found: PairTally, alpha: float
) -> TwoWay | None:
    """Return the mean difference with an interval over repetitions and test examples.

    Args:
        pair: one of the plan's pairs.
        results: what the ledger holds, in any order.
        found: what `tally` made of the same results.
        alpha: two-sided level of the interval.

    Returns:
        The two-way estimate over the repetitions with a difference; None where a winner's scores
        by example are not known, or no example is in two repetitions.
    """
    wanted = set(found.differing)
    sides: dict[tuple[int, str], list[Row]] = {}
    for row in results:
        spec = row.spec
        if (
            spec.pair == pair.name
            and spec.stage is Stage.RETRAIN
            and spec.variant in pair.variants
            and spec.repetition in wanted
            and row.ok
        ):
            sides.setdefault((spec.repetition, spec.variant), []).append(row)
    values, identities = [], []
    for index in sorted(wanted):
        ours, theirs = (_mean_scores(sides.get((index, v), [])) for v in pair.variants)
        if ours is None or theirs is None or not np.array_equal(ours[0], theirs[0]):
            return None
        difference = theirs[1] - ours[1]
        values.append(difference if pair.metric.direction == "maximize" else -difference)
        identities.append(ours[0])
    total = sum(len(each) for each in identities)
    if len(values) < 2 or len(np.unique(np.concatenate(identities))) == total:
        return None
    return two_way(values, alpha, identities)


def _mean_scores(rows: list[Row]) -> Scores | None:
    """Each example's score, averaged over a side's retrained winners."""
    unpacked = []
    for row in sorted(rows, key=lambda row: row.spec.number):
        if row.by_example is None:
            return None
        unpacked.append(row.by_example.unpack())
    if not unpacked or any(not np.array_equal(unpacked[0][0], each[0]) for each in unpacked):
        return None
    return unpacked[0][0], np.mean([scores for _, scores in unpacked], axis=0)
