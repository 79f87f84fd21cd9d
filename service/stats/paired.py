"""Paired differences against zero: intervals, equivalence, probability of improvement.

Throughout, ``d`` has shape (repetitions,) and is signed so that positive means that the
functional variant is better. Negating ``d`` mirrors every answer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from service.stats.sample import FloatArray, Interval, Note, Summary, checked, summary
from service.stats.signflip import EXACT_SIGN_FLIPS_UP_TO, sign_flip_p

__all__ = [
    "EXACT_SIGN_FLIPS_UP_TO",
    "FloatArray",
    "Improvement",
    "Interval",
    "Note",
    "Summary",
    "TestResult",
    "checked",
    "improvement",
    "sign_flip_p",
    "summary",
    "t_interval",
    "tost",
]


@dataclass(frozen=True)
class TestResult:
    """An interval with the p-value that belongs to it; None when there is none."""

    __test__ = False  # not a pytest class

    interval: Interval | None
    p_value: float | None
    note: Note


@dataclass(frozen=True)
class Improvement:
    """Probability that the functional variant is better in a repetition; a tie counts half."""

    probability: float | None
    interval: Interval | None
    wins: int
    ties: int
    losses: int


def _check_level(alpha: float, limit: float, name: str) -> None:
    if not 0.0 < alpha < limit:
        raise ValueError(f"`0 < {name} < {limit:g}` must hold, but got {name}={alpha}")


def t_interval(d: FloatArray | Sequence[float], alpha: float) -> TestResult:
    """Return the paired t interval and the two-sided p-value against a mean of zero.

    Args:
        d: paired differences, shape (repetitions,), in the metric's unit.
        alpha: two-sided level; the interval covers 1 - alpha.

    Returns:
        Interval and p-value. Fewer than 2 repetitions give None for both. Equal non-zero
        differences have no t distribution: their p-value is the exact sign-flip one,
        2 / 2^n, and the interval is the single value if that p-value reaches alpha, else None.

    Raises:
        ValueError: alpha is not in (0, 1), or d is not a finite one-dimensional array.
    """
    _check_level(alpha, 1.0, "alpha")
    s = summary(d)
    if s.mean is None or s.sd is None:
        return TestResult(None, None, s.note)
    if s.note is Note.IDENTICAL:
        return TestResult((0.0, 0.0), 1.0, s.note)
    if s.note is Note.CONSTANT:
        p = 0.5 ** (s.n - 1)
        return TestResult((s.mean, s.mean) if p <= alpha else None, p, s.note)
    error = s.sd / math.sqrt(s.n)
    p = 2.0 * float(special.stdtr(s.n - 1, -abs(s.mean) / error))
    return TestResult(_around(s.mean, error, s.n - 1, alpha / 2), p, s.note)


def _around(mean: float, error: float, df: int, tail: float) -> Interval | None:
    half = -float(special.stdtrit(df, tail)) * error
    ends = (mean - half, mean + half)
    return ends if math.isfinite(ends[0]) and math.isfinite(ends[1]) else None


def tost(d: FloatArray | Sequence[float], margin: float, alpha: float) -> TestResult:
    """Return the interval and p-value of two one-sided t tests against +-margin.

    The mean is shown to lie inside the margins when the interval does, which is when the
    p-value is below alpha. Source: Schuirmann (1987), J. Pharmacokinet. Biopharm. 15.

    Args:
        d: paired differences, shape (repetitions,), in the metric's unit.
        margin: the smallest difference that matters, in the metric's unit, not negative.
        alpha: one-sided level; the interval covers 1 - 2 alpha.

    Returns:
        Interval and the larger of the two one-sided p-values; equal differences are treated
        as in `t_interval`, with the one-sided sign-flip p-value 1 / 2^n.

    Raises:
        ValueError: margin is negative or not finite, alpha is not in (0, .5), or d is not
            a finite one-dimensional array.
    """
    _check_level(alpha, 0.5, "alpha")
    if not (math.isfinite(margin) and margin >= 0.0):
        raise ValueError(f"`margin >= 0` must hold, but got margin={margin}")
    s = summary(d)
    if s.mean is None or s.sd is None:
        return TestResult(None, None, s.note)
    if s.note is not Note.OK:
        p = 0.5**s.n if abs(s.mean) < margin else 1.0
        shown = s.note is Note.IDENTICAL or 0.5**s.n <= alpha
        return TestResult((s.mean, s.mean) if shown else None, p, s.note)
    error = s.sd / math.sqrt(s.n)
    p = float(special.stdtr(s.n - 1, (abs(s.mean) - margin) / error))
    return TestResult(_around(s.mean, error, s.n - 1, alpha), p, s.note)


def improvement(d: FloatArray | Sequence[float], alpha: float) -> Improvement:
    """Return P(functional better in a repetition), ties counting half, with an interval.

    Without ties the interval is Wilson's (1927). A tie has score 1/2, so a share of ties
    ``tau`` lowers the score's variance from p(1-p) to p(1-p) - tau/4; ``tau`` is shrunk to
    ties / (n + z^2), the way Wilson shrinks p, so that only ties do not look like certainty.

    Args:
        d: paired differences, shape (repetitions,), in the metric's unit.
        alpha: two-sided level of the interval.

    Returns:
        Probability (0 to 1), interval and counts; None for no repetition, and no interval
        for a single one.

    Raises:
        ValueError: alpha is not in (0, 1), or d is not a finite one-dimensional array.
    """
    _check_level(alpha, 1.0, "alpha")
    values = checked(d)
    n = values.size
    wins, losses = int(np.sum(values > 0)), int(np.sum(values < 0))
    ties = n - wins - losses
    if n == 0:
        return Improvement(None, None, 0, 0, 0)
    lead = (wins - losses) / (2 * n)  # probability minus one half: mirrors exactly
    if n == 1:
        return Improvement(0.5 + lead, None, wins, ties, losses)
    z2 = float(special.ndtri(alpha / 2)) ** 2
    spread = z2 * ((n + z2) * (1.0 - ties / (n + z2)) / 4.0 - n * lead**2)
    half = math.sqrt(max(0.0, spread)) / (n + z2)
    centre = n * lead / (n + z2)
    low, high = max(-0.5, centre - half), min(0.5, centre + half)
    return Improvement(0.5 + lead, (0.5 + low, 0.5 + high), wins, ties, losses)
