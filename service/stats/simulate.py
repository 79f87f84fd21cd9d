"""Many simulated experiments at once, decided exactly as `decide` would decide each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from service.stats.extension import levels
from service.stats.more import more_repetitions
from service.stats.power import required_repetitions
from service.stats.sample import FloatArray
from service.stats.sequential import boundaries
from service.stats.twoway import error_of_mean, mean_squares

LOOKS = (10, 20, 30)
ALPHA = 0.05
INCONCLUSIVE, FUNCTIONAL, SEQUENTIAL, EQUIVALENT, IDENTICAL = range(5)

Draw = Callable[[np.random.Generator, tuple[int, int]], FloatArray]


@dataclass(frozen=True)
class Outcomes:
    """What each experiment concluded and where: all of shape (experiments,)."""

    decision: NDArray[np.int64]
    look: NDArray[np.int64]
    skew_warning: NDArray[np.bool_]


def run_experiments(
    d: FloatArray, margin: float, looks: tuple[int, ...] = LOOKS, alpha: float = ALPHA
) -> Outcomes:
    """Return what group-sequential experiments conclude from their differences.

    Args:
        d: differences in the order they would arrive, shape (experiments, last look), in the
            metric's unit.
        margin: the smallest difference that matters, same unit; 0 turns equivalence off.
        looks: cumulative repetitions at each look.
        alpha: error rate of all looks, two-sided for "better", one-sided for "equivalent".

    Returns:
        The decisions, with the look and the warning at which each experiment stopped.
    """
    decision = np.full(len(d), INCONCLUSIVE)
    look = np.full(len(d), len(looks) - 1)
    warned = np.zeros(len(d), dtype=np.bool_)
    levels = zip(looks, boundaries(looks, alpha), boundaries(looks, alpha, sides=1), strict=True)
    for i, (n, level, tost_level) in enumerate(levels):
        open_ = np.flatnonzero(decision == INCONCLUSIVE)
        x = d[open_, :n]
        found, warned[open_] = _decide(x, margin, level, tost_level)
        decision[open_] = found
        look[open_] = np.where(found == INCONCLUSIVE, look[open_], i)
    return Outcomes(decision, look, warned)


def run_extended(
    rng: np.random.Generator,
    draw: Draw,
    experiments: int,
    margin: float,
    shift: float = 0.0,
    extensions: int = 1,
    reserve: float = 0.0,
) -> NDArray[np.int64]:
    """Return what experiments conclude that are extended while they are inconclusive.

    How long each extension is follows from the differences seen so far, in the way that would
    mislead a pooled test most: short where the last look nearly decided, long where it did not.

    Args:
        rng: where the draws come from.
        draw: differences around 0.
        experiments: how many.
        margin: the smallest difference that matters, in the unit of the draw; 0 turns
            equivalence off.
        shift: true mean difference, in the same unit.
        extensions: how many are made at most.
        reserve: the share of alpha that the plan kept for them.

    Returns:
        The decisions, shape (experiments,).
    """
    two = levels(LOOKS, ALPHA, extensions, reserve, 2)
    one = levels(LOOKS, ALPHA, extensions, reserve, 1)
    d = draw(rng, (experiments, LOOKS[-1])) + shift
    decision = run_experiments(d, margin, LOOKS, ALPHA * (1.0 - reserve)).decision
    sums = np.stack([_quantiles(d, delta) for delta in (0.0, margin, -margin)])
    for stage in range(extensions):
        seen = np.abs(sums[0]) / np.sqrt(stage + 1)
        length = np.select([seen > 1.7, seen > 1.0], [3, 15], 60)
        for n in (3, 15, 60):
            chosen = np.flatnonzero((decision == INCONCLUSIVE) & (length == n))
            new = draw(rng, (chosen.size, n)) + shift
            sums[:, chosen] += [_quantiles(new, delta) for delta in (0.0, margin, -margin)]
        z, upper, lower = sums / np.sqrt(stage + 2)
        limit = -special.ndtri(two[len(LOOKS) + stage] / 2)
        tost_limit = -special.ndtri(one[len(LOOKS) + stage])
        open_ = decision == INCONCLUSIVE
        decision[open_ & (z > limit)] = FUNCTIONAL
        decision[open_ & (z < -limit)] = SEQUENTIAL
        decision[open_ & (upper < -tost_limit) & (lower > tost_limit)] = EQUIVALENT
    return decision


def _quantiles(x: FloatArray, delta: float) -> FloatArray:
    """The normal quantile of each row's one-sided t p-value against a mean of delta."""
    n = x.shape[1]
    t = (x.mean(axis=1) - delta) * np.sqrt(n) / x.std(axis=1, ddof=1)
    z: FloatArray = np.copysign(-special.ndtri(special.stdtr(n - 1, -np.abs(t))), t)
    return z


def _decide(
    x: FloatArray, margin: float, level: float, tost_level: float
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    n = x.shape[1]
    mean = x.mean(axis=1)
    rest = x - mean[:, None]
    m2 = np.mean(rest**2, axis=1)
    largest = np.abs(x).max(axis=1)
    constant = np.ptp(x, axis=1) <= 1e-9 * largest
    error = np.where(constant, 0.0, np.sqrt(m2 / (n - 1)))
    half = -special.stdtrit(n - 1, level / 2) * error
    tost_half = -special.stdtrit(n - 1, tost_level) * error
    usable = ~constant | (0.5 ** (n - 1) <= level)
    tost_usable = ~constant | (0.5**n <= tost_level)

    found = np.full(len(x), INCONCLUSIVE)
    found[usable & (mean - half > 0)] = FUNCTIONAL
    found[usable & (mean + half < 0)] = SEQUENTIAL
    found[tost_usable & (mean - tost_half > -margin) & (mean + tost_half < margin)] = EQUIVALENT
    found[largest == 0.0] = IDENTICAL
    safe = np.where(constant, 1.0, m2)
    skewness = np.mean(rest**3, axis=1) / safe**1.5 * np.sqrt(n * (n - 1)) / (n - 2)
    return found, ~constant & (np.abs(skewness) > 1.0)


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Return standard normal differences of the given shape."""
    return rng.standard_normal(shape)


def heavy_tailed(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Return differences from Student's t with 3 degrees of freedom: infinite kurtosis."""
    return rng.standard_t(3, shape)


def tied(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Return whole-number differences, 4 in 10 of them 0, as from a small test set."""
    return np.rint(rng.standard_normal(shape))


def exponential(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    """Return skewed differences with mean 0 and standard deviation 1."""
    return rng.standard_exponential(shape) - 1.0


def repetitions(search_noise: float, k: int = 2) -> Draw:
    """Return a draw of repetition-level differences of two equal variants.

    Args:
        search_noise: standard deviation of what one search's luck adds, in seed deviations.
        k: winners retrained with fresh seeds per variant and repetition.

    Returns:
        A function (rng, shape) to differences mean_k(functional) - mean_k(sequential).
    """

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
        luck = search_noise * rng.standard_normal((2, *shape))
        sequential, functional = luck + rng.standard_normal((k, 2, *shape)).mean(axis=0)
        difference: FloatArray = functional - sequential
        return difference

    return draw


def per_example(rng: np.random.Generator, experiments: int, reps: int, examples: int) -> FloatArray:
    """Return differences in correctness (-1, 0, 1) with true mean 0 on one shared test set.

    Examples differ in which variant they favour, repetitions differ as a whole.

    Args:
        rng: where the draws come from.
        experiments: number of experiments.
        reps: repetitions in each.
        examples: test examples in each.

    Returns:
        Shape (experiments, reps, examples).
    """
    latent = rng.standard_normal((experiments, reps, examples), dtype=np.float32)
    latent *= np.float32(0.7)
    latent += rng.standard_normal((experiments, 1, examples), dtype=np.float32)
    latent += np.float32(0.1) * rng.standard_normal((experiments, reps, 1), dtype=np.float32)
    above, below = (latent > 1.5).view(np.int8), (latent < -1.5).view(np.int8)
    signs: FloatArray = (above - below).astype(np.float64)
    return signs


def two_way_coverage(
    rng: np.random.Generator, experiments: int, reps: int, examples: int, alpha: float = ALPHA
) -> float:
    """Return how often the two-way interval covers the true mean difference of 0."""
    covered, done = 0, 0
    while done < experiments:
        size = min(experiments - done, max(1, 1_000_000 // (reps * examples)))
        mean, squares = mean_squares(per_example(rng, size, reps, examples))
        error, df, _ = error_of_mean(squares, reps, examples)
        covered += int(np.count_nonzero(np.abs(mean) <= -special.stdtrit(df, alpha / 2) * error))
        done += size
    return covered / experiments


def false_claims_of_one_search(rng: np.random.Generator, experiments: int, seeds: int) -> float:
    """Return how often one search's winners make two equal variants look different.

    The luck of each search has half the seeds' standard deviation; the test is t over the seeds.

    Args:
        rng: where the draws come from.
        experiments: how many.
        seeds: retrained winners per variant.

    Returns:
        The share of experiments with p <= .05.
    """
    luck = 0.5 * rng.standard_normal((2, experiments, 1))
    first, second = luck + rng.standard_normal((2, experiments, seeds))
    limit = -special.ndtri(ALPHA / 2)
    return float(np.mean(np.abs(_quantiles(second - first, 0.0)) >= limit))


def one_way_coverage(
    rng: np.random.Generator, experiments: int, reps: int, examples: int, alpha: float = ALPHA
) -> float:
    """Return how often an interval over repetitions alone covers 0 on one fixed test set."""
    covered, done = 0, 0
    limit = -special.ndtri(alpha / 2)
    while done < experiments:
        size = min(experiments - done, max(1, 1_000_000 // (reps * examples)))
        by_rep = per_example(rng, size, reps, examples).mean(axis=2)
        by_rep[np.ptp(by_rep, axis=1) == 0, 0] += (
            1e-9  # no variation at all: an interval of no width
        )
        covered += int(np.count_nonzero(np.abs(_quantiles(by_rep, 0.0)) <= limit))
        done += size
    return covered / experiments


def assurance(rng: np.random.Generator, pilots: int, n: int, margin: float) -> float:
    """Return how often a pilot's "about N more" reaches power .8 at the margin (in sd)."""
    needed = required_repetitions(margin, 1.0, ALPHA) or 0
    more = (more_repetitions(rng.standard_normal(n), margin, ALPHA) for _ in range(pilots))
    return float(np.mean([extra is not None and n + extra >= needed for extra in more]))
