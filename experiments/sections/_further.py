"""Rows on the test split beside the primary metric: further trivial answers, further metrics."""

from __future__ import annotations

import math
from collections.abc import Sequence

from service.contracts.results import TrialResult
from service.contracts.trial import Stage
from service.report.document import Cell, Value
from service.report.view import PairView, Words


def references(pair: PairView, digits: int) -> list[tuple[Cell, ...]]:
    """A row for each further trivial answer: its primary metric, one number a repetition."""
    found = _retrained(pair)
    rows: list[tuple[Cell, ...]] = []
    for name in dict.fromkeys(name for row in found for name in row.reference_scores):
        scores = {
            row.spec.repetition: row.reference_scores[name] * pair.words.scale
            for row in found
            if name in row.reference_scores
        }
        value = Value(
            math.fsum(scores.values()) / len(scores),
            unit=pair.words.score_unit,
            digits=digits,
            n_ok=len(scores),
            n_planned=pair.judgement.tally.n_planned,
        )
        rows.append((f"reference: {name}", value, value, None))
    return rows


def metrics(pair: PairView) -> list[tuple[Cell, ...]]:
    """A row for each further metric: means over the retrained winners, nothing is decided by them."""
    found, rows = _retrained(pair), list[tuple[Cell, ...]]()
    planned = pair.judgement.tally.n_planned
    for metric in pair.plan.also:
        words = Words(metric)
        values: list[Cell] = []
        for variant in pair.plan.variants:
            of_variant = [row for row in found if row.spec.variant == variant]
            scores = [row.also[metric.name] for row in of_variant if metric.name in row.also]
            repetitions = {row.spec.repetition for row in of_variant if metric.name in row.also}
            values.append(
                Value(
                    words.scaled(math.fsum(scores) / len(scores)) if scores else None,
                    unit=words.score_unit,
                    n_ok=len(repetitions),
                    n_planned=planned,
                    rows=pair.rows(stage="retrain", variant=variant),
                )
            )
        rows.append((f"test {metric.name} ({words.wish} is better)", *values, None))
    return rows


def _retrained(pair: PairView) -> Sequence[TrialResult]:
    return [row for row in pair.results if row.ok and row.spec.stage is Stage.RETRAIN]
