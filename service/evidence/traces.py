"""Mean lines over repetitions: learning curves of the winners, and how the searches advanced."""

from __future__ import annotations

import math
from collections.abc import Sequence

from service.evidence.records import Trace
from service.evidence.rows import Row
from service.evidence.selection import Gain, winner


def trace(variant: str, lines: Sequence[Sequence[float | None]], n_planned: int) -> Trace:
    """Average lines of possibly different lengths, position by position.

    Args:
        variant: whose lines they are.
        lines: one per training or search; None where a line has no value yet.
        n_planned: lines planned.

    Returns:
        The mean line, over the positions where at least one line has a value.
    """
    x, means, sds, counts = [], [], [], []
    for position in range(max((len(line) for line in lines), default=0)):
        column = [line[position] for line in lines if position < len(line)]
        values = [value for value in column if value is not None]
        if not values:
            continue
        mean = math.fsum(values) / len(values)
        x.append(position + 1)
        means.append(mean)
        sds.append(_sd(values, mean))
        counts.append(len(values))
    return Trace(variant, tuple(x), tuple(means), tuple(sds), tuple(counts), n_planned)


def _sd(values: Sequence[float], mean: float) -> float | None:
    if len(values) < 2:
        return None
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def best_so_far(metric: Gain, search: Sequence[Row], n_planned: int) -> list[float | None]:
    """Return the best validation score after each trial of one search.

    Args:
        metric: the primary metric, with its direction.
        search: the search trials of one variant in one repetition.
        n_planned: trials planned; the line has this length, or ends with the last trial recorded.

    Returns:
        Scores in the metric's unit; None until a first trial ended ok.
    """
    last = max((result.spec.number for result in search), default=-1)
    line: list[float | None] = []
    for number in range(min(n_planned, last + 1)):
        best = winner(metric, [result for result in search if result.spec.number <= number])
        line.append(None if best is None else best.score)
    return line
