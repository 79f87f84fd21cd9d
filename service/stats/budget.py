"""What a tuning budget buys: the expected best result of the first B trials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from service.stats.sample import FloatArray


@dataclass(frozen=True)
class BudgetCurve:
    """Expected best-so-far result per budget, with a pointwise bootstrap band.

    Attributes:
        budgets: numbers of trials, shape (budgets,).
        expected: expected best of that many trials, in the metric's unit.
        low: lower end of the band.
        high: upper end of the band.
        n_ok: trials with a result.
        n_planned: trials counted.
    """

    budgets: tuple[int, ...]
    expected: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    n_ok: int
    n_planned: int


def expected_best(
    scores: FloatArray | Sequence[float],
    direction: Literal["maximize", "minimize"],
    rng: np.random.Generator,
    failed: int = 0,
    fallback: float | None = None,
    alpha: float = 0.05,
    draws: int = 1_000,
) -> BudgetCurve:
    """Return the expected best of B trials for every B up to the number of trials.

    E[best of B] is the mean of the largest of B draws from the empirical distribution.
    Source: Dodge, Gururangan, Card, Schwartz & Smith (2019), Show Your Work, equations 5-7.

    Args:
        scores: one per trial with a result, shape (trials,), in the metric's unit.
        direction: whether the best is the largest or the smallest.
        rng: where the bootstrap draws from.
        failed: trials without a result (failed, pruned, timed out): they cost budget too.
        fallback: what a failed trial leaves one with, e.g. the trivial baseline's score;
            needed if any failed.
        alpha: two-sided level of the pointwise band.
        draws: bootstrap samples.

    Returns:
        The curve with its band.

    Raises:
        ValueError: no trial, a score is not finite, failed trials without a fallback, an
            unknown direction or alpha not in (0, 1).
    """
    values = np.asarray(scores, dtype=np.float64)
    if direction not in ("maximize", "minimize"):
        raise ValueError(f"direction must be 'maximize' or 'minimize', but got {direction!r}")
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"`0 < alpha < 1` must hold, but got alpha={alpha}")
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("scores must be a one-dimensional array of finite numbers")
    if failed < 0 or (failed and fallback is None):
        raise ValueError(f"{failed} failed trials need a count from 0 up and a fallback score")
    ok = values.size
    if failed and fallback is not None:
        values = np.concatenate([values, np.full(failed, float(fallback))])
    if values.size == 0:
        raise ValueError("expected_best needs at least one trial")

    sign = 1.0 if direction == "maximize" else -1.0
    signed = np.sort(sign * values)
    n = signed.size
    budgets = np.arange(1, n + 1)
    ranks = np.arange(n + 1) / n
    weights = np.diff(ranks[:, None] ** budgets, axis=0)  # P(rank i is the best of B draws)
    samples = np.sort(signed[rng.integers(0, n, (draws, n))], axis=1) @ weights
    ends = np.quantile(samples, [alpha / 2, 1 - alpha / 2], axis=0)
    low, high = ends if sign > 0 else -ends[::-1]
    return BudgetCurve(
        budgets=tuple(budgets.tolist()),
        expected=tuple((sign * (signed @ weights)).tolist()),
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        n_ok=ok,
        n_planned=n,
    )
