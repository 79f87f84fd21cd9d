"""The judgement of one pair at one look: tally, audit, verdict and the sentence for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from service.contracts.plan import PairPlan, Plan
from service.evidence.audit import audit
from service.evidence.by_example import over_examples
from service.evidence.check import Check
from service.evidence.noise import noise_floor
from service.evidence.outcomes import completeness
from service.evidence.records import Cost, NoiseFloor, PairTally, plain
from service.evidence.rows import Row, lean
from service.evidence.spending import MEASURED
from service.evidence.tally import tally
from service.stats.twoway import TwoWay
from service.stats.verdict import Decision, Evidence, Rule, Verdict, decide, sentence


@dataclass(frozen=True)
class Judgement:
    """What is concluded about one pair at one look, and all that it rests on.

    Attributes:
        tally: what the results say.
        checks: whether the comparison was fair.
        verdict: the decision and its statistics.
        sentence: the verdict for people.
        limit: what a verdict of this design does not say, in words; None where nothing is fixed.
        noise_floor: what two equal models differ by, where the plan asks for it.
        over_examples: the difference with an interval that covers the test examples, too, where
            repetitions share some.
    """

    tally: PairTally
    checks: tuple[Check, ...]
    verdict: Verdict
    sentence: str
    limit: str | None = None
    noise_floor: NoiseFloor | None = None
    over_examples: TwoWay | None = None

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a reader should know although it does not make the verdict invalid."""
        found = [] if self.limit is None else [self.limit]
        found += [c.detail for c in self.checks if c.warning and c.passed is False]
        if self.verdict.skew_warning:
            found.append(
                f"the differences are skewed ({self.verdict.skewness:.2f}): "
                "the interval may be less certain than it says"
            )
        wide = None if self.over_examples is None else self.over_examples.interval
        if self.verdict.detectable and wide is not None and wide[0] <= 0 <= wide[1]:
            found.append(
                "the interval that covers the test examples too includes 0: on other examples the "
                "difference may not hold"
            )
        if self.verdict.extensions:
            found.append(_extended(self.verdict))
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON-able values; missing ones are None."""
        return {
            "pair": self.tally.pair,
            "variants": list(self.tally.variants),
            "sentence": self.sentence,
            "verdict": self.verdict.to_dict(),
            "checks": plain(self.checks),
            "warnings": list(self.warnings),
            "noise_floor": plain(self.noise_floor),
            "over_examples": plain(self.over_examples),
            "repetitions": plain(self.tally.repetitions),
            "budgets": plain(self.tally.budgets),
            "costs": plain(self.tally.costs),
            "validation_curves": plain(self.tally.validation_curves),
            "loss_curves": plain(self.tally.loss_curves),
            "search_curves": plain(self.tally.search_curves),
            "failures": plain(self.tally.failures),
            "regimes": plain(self.tally.regimes),
        }


def rule(plan: Plan, pair: PairPlan, look: int) -> Rule:
    """Return how this pair is decided at a look; the plan fixes all of it.

    Args:
        plan: the experiment's plan: its looks share 1 - confidence between them, less what is
            kept for extensions.
        pair: one of its pairs: the margin.
        look: which look, from 0; those of extensions follow the planned ones.

    Returns:
        The rule that `service.stats` applies.
    """
    alpha = round(1 - plan.design.confidence, 12)  # 1 - .95 is not .05 in binary
    return Rule(
        margin=pair.margin,
        looks=plan.design.looks,
        look=look,
        alpha=alpha,
        tost_alpha=alpha,
        extensions=plan.design.extensions,
        reserve=plan.design.reserve,
    )


def _extended(verdict: Verdict) -> str:
    """What extending did to the error rate."""
    by = " and by ".join(str(count) for count in verdict.extensions)
    planned = f"{(verdict.planned_alpha or 0.0) * 100:.4g}%"
    rate = f"{verdict.alpha * 100:.4g}%"
    if verdict.planned_alpha is not None and verdict.alpha > verdict.planned_alpha:
        told = f"the plan's error rate of {planned} became {rate}"
    else:
        told = f"the error rate stays within the planned {planned}: {rate}, from the reserve"
    return f"extended by {by} repetitions after an inconclusive look: {told}"


def _told(cost: Cost) -> bool:
    """Whether a cost may be told of in the verdict: a measured one must differ beyond its noise."""
    if cost.name not in MEASURED:
        return True
    return cost.interval is not None and not cost.interval[0] <= 1 <= cost.interval[1]


def judge(plan: Plan, pair: PairPlan, results: Iterable[Row], look: int) -> Judgement:
    """Judge one pair at one look: a pure function of its arguments, whatever their order.

    Args:
        plan: the experiment's plan.
        pair: one of its pairs.
        results: what the ledger holds; other pairs and later repetitions are passed over.
        look: which look, from 0. Where not all of its repetitions are finished there is no
            verdict yet, unless the comparison is invalid already.

    Returns:
        Tally, checks, verdict and sentence.

    Raises:
        ValueError: the plan has no such look.
    """
    applied = rule(plan, pair, look)
    rows = lean(results)
    found = tally(plan, pair, rows, plan.design.schedule[look])
    checks = audit(plan, pair, rows, found)
    evidence = Evidence(
        differences=found.differences,
        n_planned=found.n_finished,
        reasons=tuple(check.reason for check in checks if check.reason is not None),
        cost_ratios={
            cost.name: cost.ratio for cost in found.costs if cost.ratio is not None and _told(cost)
        },
        measured=MEASURED,
        metric=pair.metric.name,
        unit=pair.metric.unit,
        direction=pair.metric.direction,
        indices=found.differing,
    )
    verdict = decide(evidence, applied)
    told = sentence(verdict, pair.variants)
    if plan.design.condition is not None and verdict.decision is not Decision.INVALID:
        told = f"{plan.design.condition}: {told[:1].lower()}{told[1:]}"
    checks += (completeness(found, applied.max_missing),)
    floor = noise_floor(plan, found)
    return Judgement(
        tally=found,
        checks=checks,
        verdict=verdict,
        sentence=told[:1].upper() + told[1:],
        limit=plan.design.limit,
        noise_floor=floor,
        over_examples=over_examples(pair, rows, found, verdict.look_alpha),
    )


def latest(plan: Plan, pair: PairPlan, results: Iterable[Row]) -> Judgement:
    """Judge one pair as its campaign did: look by look until a verdict is final.

    Args:
        plan: the experiment's plan.
        pair: one of its pairs.
        results: what the ledger holds.

    Returns:
        The judgement at the look where the campaign stopped. Of a campaign that is still under
        way, the one at the last look that is complete, or at the first look before that.
    """
    rows = lean(results)
    judged = judge(plan, pair, rows, 0)
    schedule = plan.design.schedule
    for look in range(1, len(schedule)):
        if judged.verdict.final or judged.verdict.n_planned < schedule[look - 1]:
            break
        following = judge(plan, pair, rows, look)
        if following.tally.n_finished < following.tally.n_planned:
            break
        judged = following
    return judged
