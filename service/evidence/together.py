"""All pairs of an experiment together: which differences hold among many, and what holds on average."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.contracts.plan import Plan
from service.evidence.decide import Judgement
from service.stats.across import AcrossPairs, holm, random_effects, standardized_effect
from service.stats.extension import repeated_p
from service.stats.verdict import Decision, Verdict


@dataclass(frozen=True)
class PairEffect:
    """One pair among the others; an invalid comparison has no figures, and counts as planned.

    Attributes:
        pair: its name.
        effect: mean difference in standard deviations of a repetition's (Hedges' g).
        standard_error: of the effect.
        p: two-sided p-value over all looks.
        p_holm: the same, corrected for the number of pairs.
        weight: its weight in the mean over pairs.
        holds: whether it differs from 0 after the correction; None without a p-value.
    """

    pair: str
    effect: float | None
    standard_error: float | None
    p: float | None
    p_holm: float | None
    weight: float | None
    holds: bool | None


@dataclass(frozen=True)
class Together:
    """All pairs, in the order of the plan, and their random-effects mean at level `alpha`."""

    pairs: tuple[PairEffect, ...]
    combined: AcrossPairs
    alpha: float


def together(plan: Plan, judgements: Sequence[Judgement]) -> Together:
    """Put the pairs of an experiment together.

    Args:
        plan: the experiment's plan.
        judgements: one per pair, in its order.

    Returns:
        Each pair's effect with its weight and its p-value corrected by Holm's method, and the mean.
    """
    alpha = round(1 - plan.design.confidence, 12)
    effects = [
        None
        if judged.verdict.decision is Decision.INVALID
        else standardized_effect(judged.tally.differences)
        for judged in judgements
    ]
    p_values = [_p_over_looks(plan, judged.verdict) for judged in judgements]
    corrected = holm(p_values)
    combined = random_effects(
        [None if effect is None else effect[0] for effect in effects],
        [None if effect is None else effect[1] for effect in effects],
        alpha,
    )
    pairs = (
        PairEffect(
            pair=judged.tally.pair,
            effect=None if effect is None else effect[0],
            standard_error=None if effect is None else effect[1],
            p=p,
            p_holm=p_holm,
            weight=weight,
            holds=None if p_holm is None else p_holm <= alpha,
        )
        for judged, effect, p, p_holm, weight in zip(
            judgements, effects, p_values, corrected, combined.weights, strict=True
        )
    )
    return Together(tuple(pairs), combined, alpha)


def _p_over_looks(plan: Plan, verdict: Verdict) -> float | None:
    if verdict.decision is Decision.INVALID or verdict.p_value is None:
        return None
    return repeated_p(
        verdict.p_value,
        plan.design.looks,
        verdict.look,
        len(verdict.extensions),
        plan.design.reserve,
    )
