"""What a design can show before it is run: powers and detectable effects."""

from __future__ import annotations

import math

from scipy import special

_MOST_REPETITIONS = 1_000_000
_NORMAL_ABOVE = 10_000  # degrees of freedom from which t is a normal to 5 digits
_CERTAIN = 100.0  # a shift this many times the limit is detected


def power_at(effect: float, n: int, sd: float, alpha: float) -> float:
    """Return the power of the two-sided paired t test.

    Source: noncentral t with n-1 degrees of freedom and noncentrality effect*sqrt(n)/sd.

    Args:
        effect: true mean difference, in the metric's unit; its sign does not matter.
        n: repetitions, at least 2.
        sd: standard deviation of a repetition's difference, in the metric's unit.
        alpha: two-sided level.

    Returns:
        Probability of p <= alpha, in either direction.

    Raises:
        ValueError: n < 2, sd not positive, alpha not in (0, 1) or effect not finite.
    """
    if n < 2:
        raise ValueError(f"`n >= 2` must hold, but got n={n}")
    if not (math.isfinite(sd) and sd > 0.0):
        raise ValueError(f"`sd > 0` must hold, but got sd={sd}")
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"`0 < alpha < 1` must hold, but got alpha={alpha}")
    if not math.isfinite(effect):
        raise ValueError(f"effect must be finite, but got {effect}")
    shift = abs(effect) * math.sqrt(n) / sd
    limit = -float(special.stdtrit(n - 1, alpha / 2))
    if n - 1 > _NORMAL_ABOVE or shift > _CERTAIN * limit:
        return float(special.ndtr(shift - limit) + special.ndtr(-shift - limit))
    above = 1.0 - float(special.nctdtr(n - 1, shift, limit))
    below = float(special.nctdtr(n - 1, shift, -limit))
    return min(1.0, max(0.0, above + (below if math.isfinite(below) else 0.0)))


def detectable_effect(n: int, sd: float, alpha: float, power: float = 0.8) -> float:
    """Return the smallest true mean difference that n repetitions detect with this power.

    Args:
        n: repetitions, at least 2.
        sd: (guessed) standard deviation of a repetition's difference, in the metric's unit.
        alpha: two-sided level.
        power: probability of detecting it, above alpha and below 1.

    Returns:
        The effect, in the metric's unit.

    Raises:
        ValueError: an argument is out of its range.
    """
    if not alpha < power < 1.0:
        raise ValueError(f"`alpha < power < 1` must hold, but got power={power}")
    low, high = 0.0, sd
    while power_at(high, n, sd, alpha) < power:
        low, high = high, 2.0 * high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if power_at(middle, n, sd, alpha) < power else (low, middle)
    return high


def required_repetitions(effect: float, sd: float, alpha: float, power: float = 0.8) -> int | None:
    """Return the fewest repetitions that detect a true effect with this power.

    Args:
        effect: true mean difference, in the metric's unit, not zero.
        sd: standard deviation of a repetition's difference, in the metric's unit.
        alpha: two-sided level.
        power: probability of detecting it, above alpha and below 1.

    Returns:
        Repetitions, at least 2; None when a million are not enough.

    Raises:
        ValueError: an argument is out of its range.
    """
    if effect == 0.0:
        raise ValueError("`effect != 0` must hold: no number of repetitions detects nothing")
    if not alpha < power < 1.0:
        raise ValueError(f"`alpha < power < 1` must hold, but got power={power}")
    high = 2
    while power_at(effect, high, sd, alpha) < power:
        if high >= _MOST_REPETITIONS:
            return None
        high = min(2 * high, _MOST_REPETITIONS)
    low = max(1, high // 2)
    while high - low > 1:
        middle = (low + high) // 2
        if middle >= 2 and power_at(effect, middle, sd, alpha) >= power:
            high = middle
        else:
            low = middle
    return high
