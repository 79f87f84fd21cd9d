"""Many pairs at once: corrected p-values and what holds on average."""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from service.stats.sample import FloatArray, Interval, summary


@dataclass(frozen=True)
class AcrossPairs:
    """A random-effects mean over pairs; None where it does not exist.

    Attributes:
        mean: weighted mean effect.
        standard_error: of the mean (Hartung-Knapp, never below the plain one).
        interval: of the mean.
        p_value: two-sided, of the mean against 0.
        prediction_interval: for the effect in a new pair, from 3 pairs up.
        tau: standard deviation of the true effects between pairs.
        q: Cochran's statistic of homogeneity.
        i_squared: part of the observed variance that lies between pairs.
        weights: each pair's weight, summing to 1; None for a pair that was left out.
        n_used: pairs with an effect and a positive standard error.
    """

    mean: float | None
    standard_error: float | None
    interval: Interval | None
    p_value: float | None
    prediction_interval: Interval | None
    tau: float | None
    q: float | None
    i_squared: float | None
    weights: tuple[float | None, ...]
    n_used: int


def holm(p_values: Sequence[float | None]) -> tuple[float | None, ...]:
    """Return Holm-corrected p-values over all planned pairs.

    Source: Holm (1979), Scandinavian Journal of Statistics 6; statsmodels multipletests.

    Args:
        p_values: one per planned pair; None for a pair without a result, which still counts
            as a comparison, so that a failed pair does not make the others look better.

    Returns:
        Corrected p-values in the same order, None where there was none.

    Raises:
        ValueError: a p-value is not in [0, 1].
    """
    if any(p is not None and not 0.0 <= p <= 1.0 for p in p_values):
        raise ValueError(f"p-values must be in [0, 1], but got {list(p_values)}")
    if not p_values:
        return ()
    multitest = importlib.import_module("statsmodels.stats.multitest")
    family = np.array([1.0 if p is None else p for p in p_values])
    corrected = multitest.multipletests(family, method="holm")[1]
    return tuple(None if p is None else float(c) for p, c in zip(p_values, corrected, strict=True))


def standardized_effect(d: FloatArray | Sequence[float]) -> tuple[float, float] | None:
    """Return the mean difference in standard deviations with its standard error.

    Pairs with different metrics have no common unit; this gives them one. Source: Hedges
    (1981), J. Educational Statistics 6, for one sample: g = J(n-1) mean/sd with variance
    1/n + g^2 / (2 n).

    Args:
        d: paired differences, shape (repetitions,), in the metric's unit.

    Returns:
        (g, standard error), without unit; None below 3 repetitions or without variation.

    Raises:
        ValueError: d is not a finite one-dimensional array.
    """
    s = summary(d)
    if s.n < 3 or s.mean is None or not s.sd:
        return None
    df = s.n - 1
    correction = math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) * math.sqrt(2 / df)
    g = correction * s.mean / s.sd
    return g, math.sqrt(1.0 / s.n + g**2 / (2 * s.n))


def random_effects(
    effects: Sequence[float | None], standard_errors: Sequence[float | None], alpha: float
) -> AcrossPairs:
    """Return the random-effects mean over pairs with a prediction interval.

    Between-pair variance by Paule & Mandel (statsmodels combine_effects, "iterated");
    interval by Hartung & Knapp (2001) with the variance never below the plain one
    (Roever, Knapp & Friede 2015, BMC Med. Res. Methodol. 15); prediction interval with k-2
    degrees of freedom (Higgins, Thompson & Spiegelhalter 2009, JRSS A 172).

    Args:
        effects: one per pair, all in one unit (see `standardized_effect`); None is left out.
        standard_errors: of the effects, in the same unit; None or 0 leaves the pair out.
        alpha: two-sided level of both intervals.

    Returns:
        The combination; with fewer than 2 usable pairs, only the weights say something.

    Raises:
        ValueError: the lengths differ, a number is not finite, an error is negative or alpha
            is not in (0, 1).
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"`0 < alpha < 1` must hold, but got alpha={alpha}")
    pairs = list(zip(effects, standard_errors, strict=True))
    for effect, error in pairs:
        if any(v is not None and not math.isfinite(v) for v in (effect, error)):
            raise ValueError(f"effects and errors must be finite, but got {effect} +- {error}")
        if error is not None and error < 0.0:
            raise ValueError(f"standard errors must not be negative, but got {error}")
    used = [i for i, (effect, error) in enumerate(pairs) if effect is not None and error]
    k = len(used)
    if k < 2:
        nothing = tuple(1.0 if i in used else None for i in range(len(pairs)))
        return AcrossPairs(None, None, None, None, None, None, None, None, nothing, k)

    y = np.array([pairs[i][0] for i in used], dtype=np.float64)
    variance = np.array([pairs[i][1] for i in used], dtype=np.float64) ** 2
    meta = importlib.import_module("statsmodels.stats.meta_analysis")
    tau2 = max(0.0, float(meta.combine_effects(y, variance, method_re="iterated").tau2))
    plain = 1.0 / (variance + tau2)
    weight = plain / plain.sum()
    mean = float(weight @ y)
    spread = float(np.sum(plain * (y - mean) ** 2)) / (k - 1)
    error_of_mean = math.sqrt(max(1.0, spread) / float(plain.sum()))
    half = -float(special.stdtrit(k - 1, alpha / 2)) * error_of_mean
    predicted = None
    if k > 2:
        reach = -float(special.stdtrit(k - 2, alpha / 2)) * math.sqrt(tau2 + error_of_mean**2)
        predicted = (mean - reach, mean + reach)
    fixed = 1.0 / variance
    q = float(np.sum(fixed * (y - float(fixed @ y) / float(fixed.sum())) ** 2))
    weights: list[float | None] = [None] * len(pairs)
    for i, w in zip(used, weight, strict=True):
        weights[i] = float(w)
    return AcrossPairs(
        mean=mean,
        standard_error=error_of_mean,
        interval=(mean - half, mean + half),
        p_value=2.0 * float(special.stdtr(k - 1, -abs(mean) / error_of_mean)),
        prediction_interval=predicted,
        tau=math.sqrt(tau2),
        q=q,
        i_squared=max(0.0, 1.0 - (k - 1) / q) if q > 0.0 else 0.0,
        weights=tuple(weights),
        n_used=k,
    )
