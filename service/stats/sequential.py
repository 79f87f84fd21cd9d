"""Planned looks: how much of alpha each may spend.

A look after k of K repetitions sees a Brownian motion at time t = k/K. O'Brien-Fleming
boundaries are flat for that motion: stop when it leaves (-C, C), which is |Z| >= C / sqrt(t).
C follows from the exact joint normal distribution by recursive numerical integration.

Source: Jennison & Turnbull (2000), Group Sequential Methods, sections 2.4, 2.5, 19.2; using
the nominal levels with t instead of normal quantiles is their section 4.4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import special

_INFINITY = 9.0  # a standard normal beyond this has probability 1e-19
_SMALLEST_LEVEL = 1e-15  # a very early look spends less than this; quantiles need more than 0
_NODES_PER_STEP = 4  # quadrature nodes per standard deviation of the shortest step


def information(looks: Sequence[int]) -> tuple[float, ...]:
    """Return the information fraction of each look.

    Args:
        looks: cumulative repetitions at each look, strictly increasing.

    Returns:
        Each look's part of the last one's repetitions, in (0, 1].

    Raises:
        ValueError: there is no look, or they do not increase from at least 1.
    """
    plan = tuple(looks)
    if not plan or plan[0] < 1 or any(b <= a for a, b in pairwise(plan)):
        raise ValueError(f"looks must be increasing whole numbers from 1 up, but got {list(plan)}")
    return tuple(look / plan[-1] for look in plan)


def crossing_probability(looks: Sequence[int], levels: Sequence[float], sides: int = 2) -> float:
    """Return the probability, with no true difference, that any look reaches its level.

    Args:
        looks: cumulative repetitions at each look, shape (looks,).
        levels: nominal p-value at which each look stops, shape (looks,).
        sides: 2 for a two-sided test, 1 for a one-sided one.

    Returns:
        The overall error rate of the plan.

    Raises:
        ValueError: the looks do not increase, the shapes differ or a level is not in (0, 1).
    """
    times = information(looks)
    if len(levels) != len(times) or not all(0.0 < level < 1.0 for level in levels):
        raise ValueError(f"one level in (0, 1) per look must be given, but got {list(levels)}")
    z = -special.ndtri(np.asarray(levels, dtype=np.float64) / _check_sides(sides))
    return _crossing(times, z * np.sqrt(times), sides)


def boundaries(looks: Sequence[int], alpha: float, sides: int = 2) -> tuple[float, ...]:
    """Return the nominal p-value of each look under O'Brien-Fleming boundaries.

    Args:
        looks: cumulative repetitions at each look, strictly increasing.
        alpha: error rate of the whole plan.
        sides: 2 for a two-sided test (nominal two-sided p-values), 1 for a one-sided one.

    Returns:
        Nominal p-values, shape (looks,); a single look gets alpha itself.

    Raises:
        ValueError: the looks do not increase, alpha is not in (0, .5) or sides not 1 or 2.
    """
    constant = obrien_fleming_constant(tuple(looks), alpha, sides)
    if len(looks) == 1:
        return (alpha,)
    return tuple(
        max(_SMALLEST_LEVEL, sides * float(special.ndtr(-constant / math.sqrt(t))))
        for t in information(looks)
    )


@lru_cache(maxsize=256)
def obrien_fleming_constant(looks: tuple[int, ...], alpha: float, sides: int = 2) -> float:
    """Return C, the standard normal boundary of the last look (J&T's C_B(K, alpha)).

    Args:
        looks: cumulative repetitions at each look, strictly increasing.
        alpha: error rate of the whole plan.
        sides: 2 or 1.

    Returns:
        The constant C; the look at information t stops at |Z| >= C / sqrt(t).

    Raises:
        ValueError: the looks do not increase, alpha is not in (0, .5) or sides not 1 or 2.
    """
    times = information(looks)
    _check_sides(sides)
    if not 0.0 < alpha < 0.5:
        raise ValueError(f"`0 < alpha < .5` must hold, but got alpha={alpha}")
    single = -float(special.ndtri(alpha / sides))
    if len(times) == 1:
        return single
    from scipy.optimize import brentq  # here because only a plan with several looks needs it

    def excess(constant: float) -> float:
        return _crossing(times, np.full(len(times), constant), sides) - alpha

    # Every look adds error, so C is above the single look's; Bonferroni bounds it above.
    bonferroni = -float(special.ndtri(alpha / sides / len(times)))
    return float(brentq(excess, single - 1e-9, bonferroni + 1e-9, xtol=1e-10))


def _check_sides(sides: int) -> int:
    if sides not in (1, 2):
        raise ValueError(f"sides must be 1 or 2, but got {sides}")
    return sides


def _crossing(times: tuple[float, ...], bounds: NDArray[np.float64], sides: int) -> float:
    """Return P(the motion leaves its bounds at some look), J&T section 19.2.2."""
    steps = np.diff(np.concatenate([[0.0], times]))
    points, density = np.zeros(1), np.ones(1)  # all mass at 0 before the first look
    stay = 1.0
    for k, step in enumerate(np.sqrt(steps)):
        reach = _INFINITY * math.sqrt(times[k])
        high = min(float(bounds[k]), reach)
        low = -high if sides == 2 else -reach
        stay = float(
            density @ (special.ndtr((high - points) / step) - special.ndtr((low - points) / step))
        )
        if k + 1 < len(steps):
            narrowest = float(np.sqrt(min(steps[k], steps[k + 1])))
            count = 2 * math.ceil(max(64.0, _NODES_PER_STEP * (high - low) / narrowest) / 2)
            nodes, weights = _gauss_legendre(count)
            grid = low + (high - low) * (nodes + 1) / 2
            kernel = np.exp(-0.5 * ((grid[:, None] - points) / step) ** 2)
            kernel /= step * math.sqrt(2 * math.pi)
            points, density = grid, (kernel @ density) * weights * (high - low) / 2
    return 1.0 - stay


@lru_cache(maxsize=64)
def _gauss_legendre(count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    nodes, weights = np.polynomial.legendre.leggauss(count)
    return nodes, weights
