"""A sample of paired differences and its moments."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Interval = tuple[float, float]

_CONSTANT = 1e-9  # spread below this part of max|d| is rounding, not variation
_ZERO = 1e-290  # smaller differences are 0, so that no quotient of them overflows


class Note(StrEnum):
    """Why an interval is what it is."""

    OK = "ok"
    TOO_FEW = "too_few"
    IDENTICAL = "identical"
    CONSTANT = "constant"


@dataclass(frozen=True)
class Summary:
    """Moments of the differences; None where a moment does not exist."""

    n: int
    mean: float | None
    sd: float | None
    skewness: float | None
    note: Note


def checked(d: FloatArray | Sequence[float]) -> FloatArray:
    """Return the differences as a float array, refusing anything that is not a number.

    Args:
        d: paired differences, shape (repetitions,), in the metric's unit.

    Returns:
        A float64 array of the same shape, differences below 1e-290 being 0.

    Raises:
        ValueError: d is not one-dimensional, or holds NaN or an infinity.
    """
    values = np.asarray(d, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"differences must have shape (repetitions,), but got {values.shape}")
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        raise ValueError(
            f"differences must be finite, but repetition {bad[0]} is {values[bad[0]]}; "
            "leave a missing repetition out and count it in n_planned"
        )
    return np.where(np.abs(values) < _ZERO, 0.0, values)


def summary(d: FloatArray | Sequence[float]) -> Summary:
    """Return size, mean, standard deviation and skewness of the differences.

    Args:
        d: paired differences, shape (repetitions,), in the metric's unit.

    Returns:
        The moments. sd needs 2 repetitions; skewness needs 3 that are not all equal and is
        the bias-adjusted G1 of Joanes & Gill (1998), the one of scipy.stats.skew(bias=False).

    Raises:
        ValueError: d holds NaN or an infinity, or is not one-dimensional.
    """
    values = checked(d)
    n = values.size
    if n == 0:
        return Summary(0, None, None, None, Note.TOO_FEW)
    scale = float(np.max(np.abs(values)))
    if scale == 0.0:
        note = Note.IDENTICAL if n > 1 else Note.TOO_FEW
        return Summary(n, 0.0, 0.0 if n > 1 else None, None, note)
    unit = values / scale  # so that neither squares nor cubes overflow or vanish
    centre = float(unit.mean())
    if n == 1:
        return Summary(1, float(values[0]), None, None, Note.TOO_FEW)
    if float(np.ptp(unit)) <= _CONSTANT:
        return Summary(n, centre * scale, 0.0, None, Note.CONSTANT)
    rest = unit - centre
    m2 = float(np.mean(rest * rest))
    skewness = None
    if n > 2:
        g1 = float(np.mean(rest * rest * rest)) / m2**1.5
        skewness = g1 * math.sqrt(n * (n - 1)) / (n - 2)
    sd = min(math.sqrt(m2 * n / (n - 1)) * scale, sys.float_info.max)
    return Summary(n, centre * scale, sd, skewness, Note.OK)
