"""How long a training takes to be good enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from service.contracts.results import TrialResult
from service.evidence.selection import Gain


@dataclass(frozen=True)
class TimeToTarget:
    """When one variant's retrained winners reached a validation score.

    Attributes:
        variant: its name.
        reached: trainings that did.
        n_planned: trainings planned.
        epochs, seconds: medians over those that did; None where none did. Epochs of one training
            share its time equally.
    """

    variant: str
    reached: int
    n_planned: int
    epochs: float | None
    seconds: float | None


def target(reference: Sequence[TrialResult]) -> float | None:
    """The score to be reached: the median final validation score of the reference's winners.

    Args:
        reference: retrained winners of the reference.

    Returns:
        In the metric's unit; None where none ended ok.
    """
    finals = [row.score for row in reference if row.ok and row.score is not None]
    return median(finals) if finals else None


def time_to(
    goal: float, metric: Gain, variant: str, rows: Sequence[TrialResult], n_planned: int
) -> TimeToTarget:
    """When each training's validation score first was at least as good as the goal.

    Args:
        goal: in the metric's unit.
        metric: knows which of two values is better.
        variant: whose trainings these are.
        rows: retrained winners of the variant.
        n_planned: retrained winners planned.

    Returns:
        Medians over the trainings that reached it; the others are counted, not left out silently.
    """
    epochs, seconds = [], []
    for row in rows:
        if not row.ok:
            continue
        first = next(
            (
                epoch
                for epoch, score in enumerate(row.curve.validation, start=1)
                if metric.gain(score, goal) >= 0
            ),
            None,
        )
        if first is not None:
            epochs.append(first)
            seconds.append(row.cost.train_seconds * first / max(1, row.epochs))
    return TimeToTarget(
        variant,
        len(epochs),
        n_planned,
        float(median(epochs)) if epochs else None,
        median(seconds) if seconds else None,
    )
