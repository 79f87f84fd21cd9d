"""Differences per test example: variance over repetitions and over examples at once.

A test set is a sample, too. The model is x[r, j] = mu + a[r] + b[j] + e[r, j], with repetition
effects a, example effects b and the rest e; the variance of the mean adds all three.

Source: analysis of variance for crossed random effects, Searle, Casella & McCulloch (1992),
Variance Components, chapters 4 and 5; degrees of freedom by Satterthwaite (1946).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from service.stats.sample import FloatArray, Interval


@dataclass(frozen=True)
class TwoWay:
    """The mean difference with its two-way standard error; None where it does not exist."""

    mean: float
    standard_error: float | None
    degrees_of_freedom: float | None
    interval: Interval | None
    repetition_variance: float | None
    example_variance: float | None
    residual_variance: float | None
    n_repetitions: int
    n_examples: int


def two_way(
    values: FloatArray | Sequence[ArrayLike],
    alpha: float,
    examples: Sequence[ArrayLike] | None = None,
) -> TwoWay:
    """Return the mean of per-example differences with a repetition-by-example interval.

    Every repetition counts the same, however large its test set.

    Args:
        values: per repetition, the difference on each test example, in the metric's unit and
            signed so that positive is better for functional: a matrix of shape (repetitions,
            examples), or one array of shape (examples of that repetition,) for each.
        alpha: two-sided level of the interval.
        examples: per repetition, the identity (a whole number) of each of its test examples.
            Without it, column j is the same example in all repetitions.

    Returns:
        Mean, standard error, interval and the three variance components (none below 0). With
        test sets that share no example, the example variance cannot be told from the rest and
        is None. Fewer than 2 repetitions or 2 examples give no interval.

    Raises:
        ValueError: shapes do not fit, a value is not finite, an example occurs twice in one
            repetition, or alpha is not in (0, 1).
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"`0 < alpha < 1` must hold, but got alpha={alpha}")
    rows = [np.asarray(row, dtype=np.float64) for row in values]
    if not rows or any(row.ndim != 1 or row.size == 0 for row in rows):
        raise ValueError("every repetition needs a non-empty one-dimensional array of differences")
    if not all(bool(np.isfinite(row).all()) for row in rows):
        raise ValueError("per-example differences must be finite")
    if examples is None:
        if len({row.size for row in rows}) > 1:
            raise ValueError("test sets of different sizes need the identities of their examples")
        matrix = np.stack(rows)
        mean, squares = mean_squares(matrix)
        if min(matrix.shape) < 2:
            return TwoWay(float(mean), None, None, None, None, None, None, *matrix.shape)
        error, df, parts = error_of_mean(squares, *matrix.shape)
        return _answer(float(mean), float(error), float(df), alpha, parts, matrix.shape)
    return _ragged(rows, examples, alpha)


def mean_squares(x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the mean and the mean squares of repetitions, examples and rest.

    Args:
        x: differences, shape (..., repetitions, examples).

    Returns:
        The mean, shape (...,), and the mean squares, shape (3, ...); a mean square without
        degrees of freedom is 0.
    """
    reps, examples = x.shape[-2:]
    mean = x.mean(axis=(-2, -1))
    by_rep = x.mean(axis=-1) - mean[..., None]
    by_example = x.mean(axis=-2) - mean[..., None]
    a, b = examples * np.sum(by_rep**2, axis=-1), reps * np.sum(by_example**2, axis=-1)
    centred = x - mean[..., None, None]
    total = np.einsum("...ij,...ij->...", centred, centred)
    rest = np.maximum(0.0, total - a - b)
    dfs = max(1, reps - 1), max(1, examples - 1), max(1, (reps - 1) * (examples - 1))
    return mean, np.stack([a / dfs[0], b / dfs[1], rest / dfs[2]])


def error_of_mean(
    squares: FloatArray, reps: int, examples: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return standard error, degrees of freedom and variance components of the mean.

    Args:
        squares: mean squares of repetitions, examples and rest, shape (3, ...).
        reps: repetitions, at least 2.
        examples: test examples shared by all repetitions, at least 2.

    Returns:
        Standard errors and degrees of freedom, shape (...,); components, shape (3, ...).
    """
    rest = squares[2]
    a = np.maximum(0.0, (squares[0] - rest) / examples)
    b = np.maximum(0.0, (squares[1] - rest) / reps)
    parts = np.stack([a, b, rest])
    error, df = _satterthwaite(
        parts, (1.0 / reps, 1.0 / examples, 1.0 / (reps * examples)), reps, examples
    )
    return error, df, parts


def _satterthwaite(
    parts: FloatArray, shares: tuple[float, float, float], reps: int, examples: int
) -> tuple[FloatArray, FloatArray]:
    va, vb, ve = (part * share for part, share in zip(parts, shares, strict=True))
    total = va + vb + ve
    with np.errstate(invalid="ignore", divide="ignore"):
        pa, pb, pe = (va + ve) / total, (vb + ve) / total, ve / total
    df = (reps - 1) * (examples - 1)
    inverse = pa**2 / (reps - 1) + pb**2 / (examples - 1) + pe**2 / df
    return np.sqrt(total), 1.0 / np.where(np.isfinite(inverse), inverse, 1.0 / (reps - 1))


def _answer(
    mean: float,
    error: float,
    df: float,
    alpha: float,
    parts: NDArray[np.float64] | Sequence[float | None],
    shape: tuple[int, ...],
) -> TwoWay:
    half = -float(special.stdtrit(df, alpha / 2)) * error
    interval = (mean - half, mean + half) if math.isfinite(half) else None
    a, b, e = (None if part is None else float(part) for part in parts)
    return TwoWay(mean, error, df, interval, a, b, e, shape[0], shape[1])


def _ragged(rows: list[FloatArray], examples: Sequence[ArrayLike], alpha: float) -> TwoWay:
    """Solve the moment equations of the weighted sums of squares by repetition, example, cell."""
    ids = [np.asarray(row) for row in examples]
    if [row.shape for row in ids] != [row.shape for row in rows]:
        raise ValueError("examples must name one identity for every difference")
    if any(np.unique(row).size != row.size for row in ids):
        raise ValueError("an example may occur only once in a repetition")
    names, example = np.unique(np.concatenate(ids), return_inverse=True)
    reps, count = len(rows), names.size
    rep = np.repeat(np.arange(reps), [row.size for row in rows])
    x = np.concatenate(rows)
    w = np.concatenate([np.full(row.size, 1.0 / (reps * row.size)) for row in rows])
    mean = float(w @ x)
    if reps < 2 or count < 2:
        return TwoWay(mean, None, None, None, None, None, None, reps, count)

    groups = [rep, example, np.arange(x.size)]
    sums = [np.bincount(group, w) for group in groups]
    shares = [float(np.sum(s**2)) for s in sums]  # of each component in the variance of the mean
    u = w * (x - mean)
    squares = np.array([np.sum(np.bincount(group, u) ** 2) for group in groups])
    expected = np.empty((3, 3))
    for i, group in enumerate(groups):
        for k in range(3):
            joint = shares[i] if i == k else shares[2]
            cross = np.bincount(group, w * sums[k][groups[k]])
            expected[i, k] = joint - 2 * np.sum(sums[i] * cross) + shares[k] * np.sum(sums[i] ** 2)
    keep = [0, 2] if count == x.size else [0, 1, 2]
    solved, *_ = np.linalg.lstsq(expected[np.ix_(keep, keep)], squares[keep], rcond=None)
    parts = np.zeros(3)
    parts[keep] = np.maximum(0.0, solved)
    if count == x.size:  # no example twice: only repetitions carry degrees of freedom
        error = math.sqrt(float(parts @ np.array(shares)))
        shown = (float(parts[0]), None, float(parts[2]))
        return _answer(mean, error, reps - 1.0, alpha, shown, (reps, count))
    error_, df = _satterthwaite(parts, (shares[0], shares[1], shares[2]), reps, count)
    return _answer(mean, float(error_), float(df), alpha, parts, (reps, count))
