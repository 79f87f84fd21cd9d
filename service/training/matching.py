"""Solves the size hyperparameter so that a model has the parameters it is matched to."""

from __future__ import annotations

from collections.abc import Callable
from math import exp, log, sqrt


def solve(count: Callable[[int], int], budget: int, *, low: int, high: int) -> int:
    """The whole number in [low, high] whose model comes nearest to the budget.

    Parameter counts grow about like a power of the size, so the search interpolates between two
    sizes on logarithmic scales and keeps the solution bracketed; four to six models are counted.

    Args:
        count: size -> parameters of the model of that size; it must not decrease.
        budget: parameters wanted.
        low, high: the sizes allowed.

    Returns:
        The nearest size; ties go to the smaller one.
    """
    known: dict[int, int] = {}

    def at(size: int) -> int:
        if size not in known:
            known[size] = count(size)
        return known[size]

    below, above = low, None
    if at(low) >= budget:
        return low
    guess = min(high, max(low + 1, 16))
    while above is None or above - below > 1:
        if at(guess) < budget:
            below = guess
            if below == high:
                return high
        else:
            above = guess
        guess = _between(below, at(below), above, at(above) if above else None, budget, high)
        if above is not None and above - below <= 1:
            break
    return min((below, above), key=lambda size: (abs(at(size) - budget), size))


def _between(
    below: int, count_below: int, above: int | None, count_above: int | None, budget: int, high: int
) -> int:
    """The next size to try, strictly inside the bracket."""
    if above is None or count_above is None:
        growth = sqrt(budget / max(1, count_below))
        return min(high, max(below + 1, round(below * growth)))
    steps = log(count_above) - log(max(1, count_below))
    share = (log(budget) - log(max(1, count_below))) / steps if steps > 0 else 0.5
    guess = round(exp(log(below) + share * (log(above) - log(below))))
    return min(above - 1, max(below + 1, guess))
