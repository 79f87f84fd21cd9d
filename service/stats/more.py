"""How many more repetitions an inconclusive comparison would need."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy import special

from service.stats.paired import FloatArray, summary
from service.stats.power import required_repetitions


def assured_sd(sd: float, n: int, assurance: float = 0.8) -> float:
    """Return an upper limit for the standard deviation that a pilot of n has estimated.

    Using the pilot's own value would plan too small in half of all pilots. Source: the
    chi-square interval of a normal variance; Browne (1995), Statistics in Medicine 14.

    Args:
        sd: the pilot's standard deviation, in the metric's unit.
        n: repetitions in the pilot, at least 2.
        assurance: probability that the limit is above the true value.

    Returns:
        s * sqrt((n-1) / chi2_{1-assurance}(n-1)), in the metric's unit.

    Raises:
        ValueError: n < 2 or assurance is not in (0, 1).
    """
    if n < 2:
        raise ValueError(f"`n >= 2` must hold, but got n={n}")
    if not 0.0 < assurance < 1.0:
        raise ValueError(f"`0 < assurance < 1` must hold, but got assurance={assurance}")
    return sd * math.sqrt((n - 1) / float(special.chdtri(n - 1, assurance)))


def more_repetitions(
    d: FloatArray | Sequence[float], margin: float, alpha: float, power: float = 0.8
) -> int | None:
    """Return about how many more repetitions would detect a difference of the margin.

    When the ones at hand should already have detected it, the true difference is probably
    between 0 and the margin. Any truth is at least half a margin away from one of the two,
    so the answer is then the number that resolves half a margin.

    Args:
        d: paired differences so far, shape (repetitions,), in the metric's unit.
        margin: the smallest difference that matters, in the metric's unit.
        alpha: two-sided level that the final look will use.
        power: wanted probability of detecting a true difference of the margin.

    Returns:
        At least 1; None without a margin, below 2 repetitions, when the differences do not
        vary (nothing to plan with), or when a million would not be enough.

    Raises:
        ValueError: an argument is out of its range.
    """
    s = summary(d)
    if margin <= 0.0 or s.sd is None or s.sd == 0.0:
        return None
    sd = assured_sd(s.sd, s.n)
    if not math.isfinite(sd):
        return None
    total = required_repetitions(margin, sd, alpha, power)
    if total is not None and total <= s.n:
        total = required_repetitions(margin / 2, sd, alpha, power)
    return None if total is None else max(1, total - s.n)
