"""The verdict at a look: a pure function from evidence and rule to a decision.

The order is the protocol's: invalid, (identical,) equivalent, better, trade-off,
inconclusive. A variant that is shown to be better keeps that verdict however much it costs,
and the sentence names the cost; a trade-off is the weaker finding that a costlier variant is
at least not worse by the margin. Swapping the two variants mirrors every field.
"""

from __future__ import annotations

import math

import numpy as np

from service.stats import extension, paired
from service.stats.more import more_repetitions
from service.stats.paired import FloatArray, Interval, Note
from service.stats.records import Decision, Direction, Evidence, Rule, Verdict
from service.stats.sentence import sentence

__all__ = ["Decision", "Direction", "Evidence", "Rule", "Verdict", "decide", "sentence"]

CONSISTENT_ABOVE = 0.75
SKEWED_ABOVE = 1.0
SIGN_FLIPS_FROM = 6  # below, no sign-flip p-value can reach .05
_OPEN = (Decision.INCONCLUSIVE, Decision.TRADE_OFF)


def decide(evidence: Evidence, rule: Rule, rng: np.random.Generator | None = None) -> Verdict:
    """Return the verdict on the evidence under the rule.

    Args:
        evidence: differences, costs and reasons for invalidity at this look.
        rule: margin, looks and error rates, fixed before the first trial.
        rng: where the sign-flip test above 32 repetitions draws from; without it that
            p-value is None there. No decision depends on it.

    Returns:
        The decision with every number behind it. Numbers are computed for an invalid
        comparison too; they decide nothing.

    Raises:
        ValueError: more repetitions were planned than the look has: extra looks or
            repetitions would change the error rate.
    """
    planned, due = evidence.n_planned, rule.schedule[rule.look]
    if planned > due:
        raise ValueError(f"`n_planned <= {due}` must hold at look {rule.look}, but got {planned}")
    d = paired.checked(evidence.differences)
    s = paired.summary(d)
    stages = _stages(evidence, rule)
    t = extension.t_interval(stages, rule.look_alpha)
    equivalence = extension.tost(stages, rule.margin, rule.look_tost_alpha)
    better = paired.improvement(d, rule.look_alpha)
    costlier = _costlier(evidence, rule)
    reasons = evidence.reasons
    if planned == due and planned - s.n > rule.max_missing * planned:
        reasons += (f"{planned - s.n} of {planned} repetitions have no result",)

    if reasons:
        decision = Decision.INVALID
    elif planned < due:
        decision = Decision.INCONCLUSIVE
    elif s.note is Note.IDENTICAL:
        decision = Decision.IDENTICAL
    else:
        decision = _by_intervals(
            t.interval,
            equivalence.interval,
            rule.margin,
            _costlier(evidence, rule, measured=False),
        )
    fragile = decision not in (*_OPEN, Decision.INVALID) and _fragile(
        stages, decision, evidence, rule
    )
    decision = Decision.INCONCLUSIVE if fragile else decision

    sign = {Decision.FUNCTIONAL_BETTER: 1.0, Decision.SEQUENTIAL_BETTER: -1.0}.get(decision)
    more = None
    if decision in _OPEN:
        more = more_repetitions(d, rule.margin, rule.at(len(rule.schedule) - 1).look_alpha)
    exact = s.n <= paired.EXACT_SIGN_FLIPS_UP_TO or rng is not None
    return Verdict(
        decision=decision,
        final=_final(decision, evidence, rule),
        n_ok=s.n,
        n_planned=planned,
        mean_difference=s.mean,
        sd=s.sd,
        interval=t.interval,
        p_value=t.p_value,
        sign_flip_p=paired.sign_flip_p(d, rng) if exact and s.n >= SIGN_FLIPS_FROM else None,
        tost_interval=equivalence.interval,
        tost_p=equivalence.p_value,
        improvement=better.probability,
        improvement_interval=better.interval,
        detectable=_side(t.interval, 0.0) != 0,
        practically=sign is not None and _side(t.interval, rule.margin) == sign,
        consistently=sign is not None
        and better.probability is not None
        and sign * (better.probability - 0.5) > CONSISTENT_ABOVE - 0.5,
        skewness=s.skewness,
        skew_warning=s.skewness is not None and abs(s.skewness) > SKEWED_ABOVE,
        more_repetitions=more,
        costlier_functional=costlier[0],
        costlier_sequential=costlier[1],
        cost_ratios=dict(evidence.cost_ratios),
        reasons=reasons,
        look=rule.look,
        looks=rule.schedule,
        margin=rule.margin,
        alpha=rule.error_rate,
        tost_alpha=rule.tost_error_rate,
        look_alpha=rule.look_alpha,
        look_tost_alpha=rule.look_tost_alpha,
        metric=evidence.metric,
        unit=evidence.unit,
        direction=evidence.direction,
        fragile=fragile,
        extensions=rule.extensions[: rule.extended],
        planned_alpha=rule.alpha,
    )


def _stages(evidence: Evidence, rule: Rule) -> list[FloatArray]:
    """The differences of the planned part and of each extension, up to this look."""
    d, where = np.asarray(evidence.differences), np.asarray(evidence.indices, dtype=np.int64)
    if not rule.extended:
        return [d]
    ends = rule.schedule[len(rule.looks) - 1 : rule.look]
    return np.split(d, np.searchsorted(where, ends).tolist())


def _fragile(stages: list[FloatArray], decision: Decision, evidence: Evidence, rule: Rule) -> bool:
    """Return whether filling the missing repetitions with an extreme one changes the decision.

    Results may be missing because they would have been bad: 3 of 30 missing, all where one
    variant is behind, give the other a false-positive rate of .21 if they are left out, and
    .07 under this rule (1 missing: .10 and .05).
    """
    d = np.concatenate(stages)
    if evidence.n_planned == d.size or decision is Decision.IDENTICAL:
        return False
    begins = (0, *rule.schedule[len(rule.looks) - 1 : rule.look]) if rule.extended else (0,)
    ends = (*begins[1:], evidence.n_planned)
    costlier = _costlier(evidence, rule, measured=False)
    for extreme in (d.min(), d.max()):
        filled = [
            np.append(stage, np.full(end - begin - stage.size, extreme))
            for stage, begin, end in zip(stages, begins, ends, strict=True)
        ]
        t = extension.t_interval(filled, rule.look_alpha)
        equivalence = extension.tost(filled, rule.margin, rule.look_tost_alpha)
        if decision is not _by_intervals(t.interval, equivalence.interval, rule.margin, costlier):
            return True
    return False


def _side(interval: Interval | None, margin: float) -> int:
    """Return 1 if the interval lies above margin, -1 if below -margin, else 0."""
    if interval is None:
        return 0
    return int(interval[0] > margin) - int(interval[1] < -margin)


def _by_intervals(
    interval: Interval | None,
    tost_interval: Interval | None,
    margin: float,
    costlier: tuple[tuple[str, ...], tuple[str, ...]],
) -> Decision:
    if tost_interval is not None and -margin < tost_interval[0] and tost_interval[1] < margin:
        return Decision.EQUIVALENT
    if _side(interval, 0.0) > 0:
        return Decision.FUNCTIONAL_BETTER
    if _side(interval, 0.0) < 0:
        return Decision.SEQUENTIAL_BETTER
    if tost_interval is not None and (
        (tost_interval[0] > -margin and costlier[0]) or (tost_interval[1] < margin and costlier[1])
    ):
        return Decision.TRADE_OFF
    return Decision.INCONCLUSIVE


def _costlier(
    evidence: Evidence, rule: Rule, *, measured: bool = True
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the costs on which functional, and on which sequential, is worse than tolerated."""
    beyond: dict[str, float] = {}
    for name, ratio in evidence.cost_ratios.items():
        by_meter = name in evidence.measured
        tolerance = rule.measured_tolerance if by_meter else rule.cost_tolerance
        if (measured or not by_meter) and abs(math.log(ratio)) > math.log1p(tolerance):
            beyond[name] = ratio
    return (
        tuple(name for name, ratio in beyond.items() if ratio > 1),
        tuple(name for name, ratio in beyond.items() if ratio < 1),
    )


def _final(decision: Decision, evidence: Evidence, rule: Rule) -> bool:
    """Return whether to stop: later looks may still sharpen what is open or weak."""
    if decision is Decision.INVALID:
        return True
    if evidence.n_planned < rule.schedule[rule.look]:
        return False
    return rule.last or decision not in _OPEN
