"""Conditions that what came out must meet: sizes, control, baseline, failures, edges."""

from __future__ import annotations

import math

from service.contracts.plan import PairPlan, Plan
from service.contracts.trial import Stage, Status
from service.evidence.check import Check
from service.evidence.edges import at_an_edge
from service.evidence.records import PairTally, Repetition, Side

SIZE_TOLERANCE = 0.05
"""Compared winners of matched pairs may differ in parameters by this part."""
MOST_FAILED = 0.2
"""A larger part of a variant's trainings that failed makes the comparison invalid."""
MOST_PRUNED_APART = 0.25
"""One rule with one budget is fair; stopping one variant this much more often is worth a look."""


def sizes(pair: PairPlan, found: PairTally) -> Check:
    """Check that matched winners are of one size."""
    name = f"The winners' parameters are within {SIZE_TOLERANCE:.0%} of each other"
    if pair.budget is None:
        return Check(name, None, "sizes are not matched in this comparison")
    apart = {
        record.index: max(sizes) / min(sizes) - 1
        for record in found.repetitions
        if len(sizes := _sizes_of(record)) == 2
    }
    if not apart:
        return Check(name, None, "no repetition has two winners yet")
    worst = max(apart, key=lambda index: (apart[index], -index))
    detail = (
        f"at most {apart[worst]:.1%} apart in {len(apart)}/{found.n_planned} repetitions, "
        f"matched to {pair.budget:,}"
    )
    if apart[worst] > SIZE_TOLERANCE:
        detail = f"sizes are not matched: {apart[worst]:.1%} apart in repetition {worst}"
        return Check(name, False, detail)
    return Check(name, True, detail)


def _sizes_of(record: Repetition) -> list[int]:
    return [side.parameters for side in (record.reference, record.challenger) if side.parameters]


def control(found: PairTally) -> Check:
    """Check that the control and the reference ended with the same weights."""
    reference = found.variants[0]
    name = f"The control ended with the weights of {reference}, bit for bit"
    known = [record for record in found.repetitions if record.control is not None]
    if not known:
        ran = sum(record.control_status is not None for record in found.repetitions)
        return Check(
            name, None, "it was not run" if not ran else f"{ran} ran, none to compare with"
        )
    different = [str(record.index) for record in known if not record.control]
    if different:
        detail = f"the control differs from {reference} in repetition {', '.join(different)}"
        return Check(name, False, detail)
    return Check(name, True, f"identical in {len(known)}/{found.n_planned} repetitions")


def baseline(pair: PairPlan, found: PairTally) -> Check:
    """Check that both variants are better than the trivial answer, on average."""
    name = f"Both variants beat the baseline ({pair.baseline})"
    gains: dict[str, list[float]] = {variant: [] for variant in pair.variants}
    for record in found.repetitions:
        for side in (record.reference, record.challenger):
            if side.mean is not None and record.baseline is not None:
                gains[side.variant].append(pair.metric.gain(side.mean, record.baseline))
    if not all(gains.values()):
        return Check(name, None, "not both variants have a test score and a baseline beside it")
    means = {variant: math.fsum(values) / len(values) for variant, values in gains.items()}
    below = [variant for variant in pair.variants if means[variant] <= 0]
    if below:
        detail = f"{' and '.join(below)} did not beat the baseline ({pair.baseline})"
        return Check(name, False, detail, warning=found.under_way)
    scale, unit = (100.0, "points") if pair.metric.unit == "fraction" else (1.0, pair.metric.unit)
    parts = [
        f"{variant} by {means[variant] * scale:.3g} {unit} ({len(gains[variant])}/{found.n_planned})"
        for variant in pair.variants
    ]
    return Check(name, True, ", ".join(" ".join(part.split()) for part in parts))


def failures(found: PairTally) -> Check:
    """Check that neither variant failed too often; pruned trials are no failures."""
    name = f"At most {MOST_FAILED:.0%} of either variant's trainings failed"
    parts, wrong = [], []
    for variant in found.variants:
        budgets = [budget for budget in found.budgets if budget.variant == variant]
        recorded = sum(budget.n_recorded for budget in budgets)
        failed = sum(budget.n_failed for budget in budgets)
        parts.append(f"{variant} {failed}/{recorded}")
        if failed > MOST_FAILED * recorded:
            wrong.append(f"{failed} of {recorded} trainings of {variant} failed")
    if not any(budget.n_recorded for budget in found.budgets):
        return Check(name, None, "no training is recorded")
    detail = "; ".join(wrong) or f"failed: {', '.join(parts)}"
    return Check(name, not wrong, detail, warning=found.under_way)


def edges(plan: Plan, pair: PairPlan, found: PairTally) -> Check:
    """Warn of optima that keep lying at the same edge of their range."""
    name = "No optimum lies at the edge of its range"
    sides: dict[str, list[Side]] = {
        variant: [
            side
            for record in found.repetitions
            if (side := (record.reference, record.challenger)[place]).winner is not None
        ]
        for place, variant in enumerate(pair.variants)
    }
    if not any(sides.values()):
        return Check(name, None, "no search has a winner yet", warning=True)
    if plan.design.anew == "seeds":
        return Check(name, None, "one search cannot tell an edge from chance", warning=True)
    flags = [
        f"{variant}'s {key} at its {end} in {count}/{len(sides[variant])} repetitions "
        f"(widen it: search.space.{key})"
        for variant in pair.variants
        for key, end, count in at_an_edge(
            pair.spaces.get(variant, {}), [side.winner or {} for side in sides[variant]]
        )
    ]
    return Check(name, not flags, "; ".join(flags) or "no range seems too narrow", warning=True)


def pruning(found: PairTally) -> Check:
    """Warn where the pruner stopped one variant's trials far more often than the other's."""
    name = "The pruner stopped trials of both variants about as often"
    searches = [budget for budget in found.budgets if budget.stage is Stage.SEARCH]
    shares = {
        budget.variant: budget.counts.get(Status.PRUNED, 0) / budget.n_recorded
        for budget in searches
        if budget.variant in found.variants and budget.n_recorded
    }
    if len(shares) < len(found.variants):
        return Check(name, None, "not both variants have trials yet", warning=True)
    detail = ", ".join(f"{variant} {shares[variant]:.0%} of its trials" for variant in shares)
    apart = max(shares.values()) - min(shares.values())
    return Check(name, apart <= MOST_PRUNED_APART, f"pruned: {detail}", warning=True)


def completeness(found: PairTally, most_missing: float) -> Check:
    """Check that enough repetitions have a result; the decision itself applies this limit.

    Args:
        found: what `tally` made of the results.
        most_missing: the largest part of repetitions that may have none.

    Returns:
        The check; before the look is complete it cannot be told.
    """
    name = f"At most {most_missing:.0%} of the repetitions have no result"
    missing = found.n_planned - found.n_ok
    detail = f"{found.n_ok}/{found.n_planned} repetitions have one"
    if found.under_way:
        return Check(name, None, f"{detail}, {found.n_finished}/{found.n_planned} are finished")
    if missing > most_missing * found.n_planned:
        return Check(name, False, f"{missing} of {found.n_planned} repetitions have no result")
    return Check(name, True, detail)
