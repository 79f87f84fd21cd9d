"""What sections look at: the plan, the judgements, and the words and scales to tell them in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.contracts.plan import MetricPlan, PairPlan, Plan
from service.contracts.results import TrialResult
from service.evidence import Judgement, latest
from service.evidence.tally import ordered
from service.report.document import Tone
from service.stats.verdict import Decision, Verdict


@dataclass(frozen=True)
class ReportInput:
    """All that a report is made of.

    Attributes:
        plan: the experiment's plan.
        results: what the ledger holds, in any order.
        facts: what neither of them knows, all of it optional: "command" (text), "started" and
            "finished" (ISO 8601), "versions" and "hardware" (text by name), "data" (by pair: text
            by name), "builders" (by pair: code by variant), "importance" (by pair and variant: a
            share by hyperparameter, or None).
    """

    plan: Plan
    results: Sequence[TrialResult]
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Words:
    """How a metric's numbers are told: shares as per cent, their differences as points."""

    metric: MetricPlan

    @property
    def scale(self) -> float:
        """What a number is multiplied with before it is printed."""
        return 100.0 if self.metric.unit == "fraction" else 1.0

    @property
    def score_unit(self) -> str:
        """The unit of a score."""
        return "%" if self.metric.unit == "fraction" else self.metric.unit

    @property
    def difference_unit(self) -> str:
        """The unit of a difference."""
        return "points" if self.metric.unit == "fraction" else self.metric.unit

    @property
    def wish(self) -> str:
        """Which way is better."""
        return "higher" if self.metric.direction == "maximize" else "lower"

    def scaled(self, value: float | None) -> float | None:
        """A number in the unit it is printed in."""
        return None if value is None else value * self.scale

    def between(self, interval: tuple[float, float] | None) -> tuple[float, float] | None:
        """An interval in the unit it is printed in."""
        return None if interval is None else (interval[0] * self.scale, interval[1] * self.scale)


_LABELS: dict[Decision, tuple[str, Tone]] = {
    Decision.INVALID: ("invalid", "bad"),
    Decision.IDENTICAL: ("identical", "neutral"),
    Decision.EQUIVALENT: ("equivalent", "neutral"),
    Decision.TRADE_OFF: ("trade-off", "warning"),
    Decision.INCONCLUSIVE: ("inconclusive", "open"),
}


@dataclass(frozen=True)
class PairView:
    """One pair, as sections see it.

    Attributes:
        plan: the pair's plan.
        judgement: at the look where the campaign stopped, or that it has reached.
        results: its results up to that look, in the order of the plan.
        builders: by variant, the code of its builder.
        importance: by variant, each hyperparameter's share in how good a trial got; None where too
            few trials could tell.
    """

    plan: PairPlan
    judgement: Judgement
    results: tuple[TrialResult, ...]
    builders: Mapping[str, str] = field(default_factory=dict)
    importance: Mapping[str, Mapping[str, float] | None] = field(default_factory=dict)

    @property
    def words(self) -> Words:
        """How its metric is told."""
        return Words(self.plan.metric)

    @property
    def verdict(self) -> Verdict:
        """What was concluded."""
        return self.judgement.verdict

    @property
    def label(self) -> tuple[str, Tone]:
        """The verdict in a word or two, not capitalised, and how it is meant."""
        verdict = self.verdict
        reference, challenger = self.plan.variants
        if verdict.decision is Decision.FUNCTIONAL_BETTER:
            return f"{challenger} better", "good"
        if verdict.decision is Decision.SEQUENTIAL_BETTER:
            return f"{reference} better", "good"
        if verdict.decision is Decision.INCONCLUSIVE and self.judgement.tally.under_way:
            return "no verdict yet", "open"
        return _LABELS[verdict.decision]

    def rows(self, **which: object) -> str:
        """These rows of the pair, as a page's viewer finds them: "pair=iris stage=retrain"."""
        told = {"pair": self.plan.name, **which}
        return " ".join(f"{name}={value}" for name, value in told.items())

    @property
    def structures(self) -> tuple[TrialResult | None, TrialResult | None]:
        """For each variant the first result that tells the model's graph."""
        drawn = [row for row in self.results if row.structure is not None]
        first, second = (
            next((row for row in drawn if row.spec.variant == name), None)
            for name in self.plan.variants
        )
        return first, second

    @property
    def confidence(self) -> str:
        """The confidence of the interval, over all looks together: "95%"."""
        return f"{(1 - self.verdict.alpha) * 100:.4g}%"


@dataclass(frozen=True)
class View:
    """Everything sections may look at."""

    plan: Plan
    pairs: tuple[PairView, ...]
    facts: Mapping[str, Any]
    rows: Sequence[TrialResult]


def look_at(report_input: ReportInput) -> View:
    """Judge every pair of a report's input.

    Args:
        report_input: plan, results and facts.

    Returns:
        What sections look at.
    """
    plan, pairs = report_input.plan, []
    for pair in plan.pairs:
        judgement = latest(plan, pair, report_input.results)
        repetitions = judgement.tally.n_planned
        rows = ordered(pair, report_input.results, repetitions)
        code = report_input.facts.get("builders", {}).get(pair.name, {})
        matters = report_input.facts.get("importance", {}).get(pair.name, {})
        pairs.append(PairView(pair, judgement, tuple(rows), code, matters))
    return View(plan, tuple(pairs), report_input.facts, report_input.results)
