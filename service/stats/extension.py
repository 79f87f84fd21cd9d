"""Going on after the last planned look: how much of alpha is left, and how the parts combine.

The last planned look has spent what the plan may spend. An extension is decided upon after its
differences were seen, and so is its length; a test that pooled all repetitions would then have no
known error rate. So the planned part and each extension are *stages* that are tested apart and
combined with weights that nothing seen can change:

    Z(delta) = sum_i z_i(delta) / sqrt(stages),   z_i(delta) = the normal quantile of stage i's
    one-sided paired t p-value against a mean of delta

Under a true mean of delta every z_i is standard normal and independent of the earlier ones, however
long a stage is and whoever chose that. Source: Lehmacher & Wassmer (1999), Biometrics 55; Cui, Hung
& Wang (1999), Biometrics 55. Equal weights make an extension count as much as the plan; they lose 3%
of the information where one is twice as long as the other, 10% at four times.

What is left of alpha: a plan that keeps a share back (`reserve`) gives the first extension half of
it, the second a quarter, and so on, so that all of them together stay below alpha. A plan that kept
nothing back is given half its alpha anew, then a quarter: the error rate rises, but however often
one extends it stays below twice the planned one. `error_rate` is that figure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy import special

from service.stats import paired
from service.stats.sample import FloatArray, Interval, Note, Summary, summary
from service.stats.sequential import boundaries, crossing_probability, information

_LEAST = 1e-300  # a p-value below this has a quantile beyond 37, which decides anything
_DOUBLINGS, _HALVINGS = 120, 200


def error_rate(alpha: float, reserve: float, extensions: int) -> float:
    """Return the error rate of the plan and its extensions together.

    Args:
        alpha: the plan's, in (0, .5).
        reserve: the share of alpha that the plan kept for extensions, in [0, 1).
        extensions: how many there were.

    Returns:
        At most alpha where a share was kept, below 2 alpha where none was.

    Raises:
        ValueError: reserve is not in [0, 1), or extensions is negative.
    """
    if not 0.0 <= reserve < 1.0:
        raise ValueError(f"`0 <= reserve < 1` must hold, but got reserve={reserve}")
    if extensions < 0:
        raise ValueError(f"`extensions >= 0` must hold, but got {extensions}")
    given = reserve or 1.0
    return alpha * (1.0 - reserve) + alpha * given * (1.0 - 0.5**extensions)


@lru_cache(maxsize=256)
def levels(
    looks: tuple[int, ...], alpha: float, extensions: int = 0, reserve: float = 0.0, sides: int = 2
) -> tuple[float, ...]:
    """Return the nominal p-value of each planned look and of each extension.

    Args:
        looks: cumulative repetitions at each planned look, strictly increasing.
        alpha: the plan's error rate.
        extensions: how many follow the last look.
        reserve: the share of alpha that the plan kept for them.
        sides: 2 for a two-sided test (two-sided p-values), 1 for a one-sided one.

    Returns:
        Nominal p-values, shape (looks + extensions,). Those of the planned looks do not depend on
        the extensions; each extension's makes the error rate what `error_rate` says.

    Raises:
        ValueError: the looks do not increase, or alpha, reserve or sides is out of its range.
    """
    found = list(boundaries(looks, error_rate(alpha, reserve, 0), sides))
    information(looks)
    times = list(looks)
    for extension in range(1, extensions + 1):
        times.append(times[-1] + looks[-1])  # it counts as much as the plan, whatever its length
        found.append(_last_level(times, found, error_rate(alpha, reserve, extension), sides))
    return tuple(found)


def repeated_p(
    p: float, looks: tuple[int, ...], look: int, extensions: int = 0, reserve: float = 0.0
) -> float:
    """Return the two-sided p-value of a look as one over all looks.

    It is the smallest error rate of the plan at which this look would have decided; a nominal
    p-value knows nothing of the other looks, and cannot be compared with those of other pairs.
    Source: Jennison & Turnbull (2000), chapter 9, repeated p-values.

    Args:
        p: the nominal two-sided p-value, in [0, 1].
        looks: cumulative repetitions at each planned look.
        look: which look, from 0; those of extensions follow the planned ones.
        extensions: how many there were up to this look.
        reserve: the share of alpha that the plan kept for them.

    Returns:
        The p-value, never below the nominal one of a single look; 1 where no rate below .5 would do.

    Raises:
        ValueError: p is not in [0, 1], or the plan has no such look.
    """
    if not 0.0 <= p <= 1.0 or not 0 <= look < len(looks) + extensions:
        raise ValueError(f"p in [0, 1] at one of the looks must be given, but got {p} at {look}")
    if len(looks) == 1 and not extensions:
        return min(1.0, p / (1.0 - reserve))

    def level(alpha: float) -> float:
        return levels.__wrapped__(looks, alpha, extensions, reserve, 2)[look]

    low, high = 1e-9, 0.499
    if p <= level(low):
        return low
    if p > level(high):
        return 1.0
    from scipy.optimize import brentq  # here because only a table over pairs needs it

    return float(brentq(lambda alpha: level(alpha) - p, low, high, xtol=1e-9, rtol=1e-6))


def _last_level(times: Sequence[int], before: Sequence[float], total: float, sides: int) -> float:
    from scipy.optimize import brentq  # here because only an extension needs it

    def excess(level: float) -> float:
        return crossing_probability(times, [*before, level], sides) - total

    return float(brentq(excess, 1e-12, total, xtol=1e-13))


def t_interval(stages: Sequence[FloatArray], alpha: float) -> paired.TestResult:
    """Return the interval of the mean difference and its two-sided p-value over all stages.

    Args:
        stages: paired differences of the planned part and of each extension, in the metric's unit.
        alpha: nominal two-sided level.

    Returns:
        As `paired.t_interval`, which it is for a single stage.

    Raises:
        ValueError: alpha is not in (0, 1), there is no stage, or a difference is not finite.
    """
    if len(stages) == 1:
        return paired.t_interval(stages[0], alpha)
    note = summary(np.concatenate(stages)).note
    if note in (Note.TOO_FEW, Note.IDENTICAL):
        return paired.t_interval(np.concatenate(stages), alpha)
    parts = [summary(stage) for stage in stages]
    p = 2.0 * float(special.ndtr(-abs(_z(parts, 0.0))))
    return paired.TestResult(_interval(stages, -float(special.ndtri(alpha / 2))), p, note)


def tost(stages: Sequence[FloatArray], margin: float, alpha: float) -> paired.TestResult:
    """Return the interval and the p-value of two one-sided tests against +-margin over all stages.

    Args:
        stages: paired differences of the planned part and of each extension, in the metric's unit.
        margin: the smallest difference that matters, same unit, not negative.
        alpha: nominal one-sided level.

    Returns:
        As `paired.tost`, which it is for a single stage.

    Raises:
        ValueError: as there, or there is no stage.
    """
    pooled = np.concatenate(stages)
    note = summary(pooled).note
    if len(stages) == 1 or note in (Note.TOO_FEW, Note.IDENTICAL):
        return paired.tost(pooled, margin, alpha)
    parts = [summary(stage) for stage in stages]
    p = float(special.ndtr(max(_z(parts, margin), -_z(parts, -margin))))
    return paired.TestResult(_interval(stages, -float(special.ndtri(alpha))), p, note)


def _z(parts: Sequence[Summary], delta: float) -> float:
    """Z(delta), decreasing in delta; a stage that says nothing counts as 0."""
    return math.fsum(_quantile(part, delta) for part in parts) / math.sqrt(len(parts))


def _quantile(part: Summary, delta: float) -> float:
    if part.mean is None or part.sd is None or part.mean == delta:
        return 0.0
    if part.sd > 0.0:
        p = float(special.stdtr(part.n - 1, -abs(part.mean - delta) * math.sqrt(part.n) / part.sd))
    else:
        p = 0.5**part.n  # equal differences have no t distribution: the sign-flip test's
    return math.copysign(-float(special.ndtri(max(p, _LEAST))), part.mean - delta)


def _interval(stages: Sequence[FloatArray], z: float) -> Interval | None:
    low = _lower([summary(stage) for stage in stages], z)
    high = _lower([summary(-stage) for stage in stages], z)  # so that negating mirrors it exactly
    return None if low is None or high is None else (low, -high)


def _lower(parts: Sequence[Summary], z: float) -> float | None:
    """The delta below which all are rejected: Z(delta) = z; None where Z never reaches z."""
    means = [part.mean for part in parts if part.mean is not None]
    high = max(means)
    step = max(abs(mean) for mean in means) + max(part.sd or 0.0 for part in parts)
    low = min(means) - step
    for _ in range(_DOUBLINGS):
        if _z(parts, low) >= z:
            break
        step *= 2.0
        low = min(means) - step
    else:
        return None
    for _ in range(_HALVINGS):
        middle = low + (high - low) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if _z(parts, middle) >= z else (low, middle)
    return low
