"""The exact test that needs no distribution: flip the sign of each paired difference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from service.stats.sample import FloatArray, checked

EXACT_SIGN_FLIPS_UP_TO = 32
_TIE = 1e-12  # sums of sign-flipped differences closer than this part of sum|d| are equal
_CELLS = 2_000_000  # random signs held in memory at once


def sign_flip_p(
    d: FloatArray | Sequence[float],
    rng: np.random.Generator | None = None,
    draws: int = 9_999,
) -> float | None:
    """Return the two-sided sign-flip (permutation) p-value of the mean difference.

    Exact to 32 repetitions: the sums of all sign patterns of the first half meet those of
    the second half (Pagano & Tritchler 1983 count the same distribution). Above that,
    (1 + as extreme) / (1 + draws) of random patterns, which never understates
    (Phipson & Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9).

    Args:
        d: paired differences, shape (repetitions,), in the metric's unit.
        rng: where random sign patterns come from; needed above 32 repetitions only.
        draws: number of random sign patterns.

    Returns:
        The p-value, None for no repetition; all-zero differences give 1.

    Raises:
        ValueError: rng is missing where it is needed, or d is not finite and one-dimensional.
    """
    values = checked(d)
    n = values.size
    if n == 0:
        return None
    scale = float(np.max(np.abs(values)))
    if scale == 0.0:
        return 1.0
    unit = values / scale
    reach = abs(float(unit.sum())) - _TIE * float(np.abs(unit).sum())
    if reach <= 0.0:
        return 1.0
    if n <= EXACT_SIGN_FLIPS_UP_TO:
        left, right = _signed_sums(unit[: n // 2]), np.sort(_signed_sums(unit[n // 2 :]))
        upper = right.size - np.searchsorted(right, reach - left, side="left")
        return min(1.0, 2.0 * float(upper.sum()) / 2.0**n)
    if rng is None:
        raise ValueError(f"rng is needed above {EXACT_SIGN_FLIPS_UP_TO} repetitions, but n={n}")
    extreme, left_to_draw = 0, draws
    while left_to_draw > 0:
        rows = min(left_to_draw, max(1, _CELLS // n))
        bits = np.unpackbits(rng.integers(0, 256, (rows, -(-n // 8)), dtype=np.uint8), axis=1)
        sums = 2.0 * (bits[:, :n].astype(np.float64) @ unit) - unit.sum()
        extreme += int(np.count_nonzero(np.abs(sums) >= reach))
        left_to_draw -= rows
    return (1 + extreme) / (1 + draws)


def _signed_sums(values: FloatArray) -> FloatArray:
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums
