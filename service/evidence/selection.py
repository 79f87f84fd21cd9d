"""Which trial of a search wins: one rule, used by the campaign and by the report alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from service.contracts.trial import Stage
from service.evidence.rows import AnyRow


class Gain(Protocol):
    """Anything that knows which of two values of the metric is better."""

    def gain(self, challenger: float, reference: float) -> float:
        """How much better the challenger is: positive means better."""
        ...


def winner(metric: Gain, results: Iterable[AnyRow]) -> AnyRow | None:
    """Return the search trial with the best validation score; a tie goes to the lowest number.

    Args:
        metric: the primary metric, with its direction.
        results: trials of one variant in one repetition, in any order; only search trials that
            ended ok can win, so that a pruned or diverged trial never does.

    Returns:
        The winning trial, or None when no search trial ended ok.
    """
    best: AnyRow | None = None
    for result in sorted(results, key=lambda item: (item.spec.number, item.spec.id)):
        if result.spec.stage is not Stage.SEARCH or not result.ok or result.score is None:
            continue
        if best is None or best.score is None or metric.gain(result.score, best.score) > 0:
            best = result
    return best
