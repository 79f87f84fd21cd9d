"""Quality against cost: time to a target, and which trainings nothing beats on both."""

from __future__ import annotations

from service.contracts.results import TrialResult
from service.contracts.trial import Stage
from service.evidence.target import target, time_to
from service.report.document import Cell, Column, Figure, Table, Value
from service.report.numbers import decimals, number
from service.report.plots import Points, scatter
from service.report.view import PairView
from service.stats.pareto import non_dominated


def winners(pair: PairView, variant: str) -> list[TrialResult]:
    """The retrained winners of one variant."""
    return [
        row
        for row in pair.results
        if row.spec.variant == variant and row.spec.stage is Stage.RETRAIN
    ]


def to_target(pair: PairView) -> Table | None:
    """How long each variant's winners take to the reference's usual score."""
    reference = pair.plan.variants[0]
    goal = target(winners(pair, reference))
    if goal is None:
        return None
    words = pair.words
    n_planned = max(cost.n_planned for cost in pair.judgement.tally.costs)
    rows: list[tuple[Cell, ...]] = []
    for variant in pair.plan.variants:
        found = time_to(goal, pair.plan.metric, variant, winners(pair, variant), n_planned)
        behind = pair.rows(stage="retrain", variant=variant)
        rows.append(
            (
                variant,
                Value(found.reached, "count", n_ok=found.reached, n_planned=found.n_planned),
                Value(found.epochs, digits=1, rows=behind),
                Value(found.seconds, "s", rows=behind),
            )
        )
    shown = f"{number(goal * words.scale, decimals(pair.plan.margin * words.scale))}"
    return Table(
        f"Time to a validation {pair.plan.metric.name} of {shown} {words.score_unit}",
        (Column("variant"), Column("reached it", "number"), Column("epochs", "number"),
         Column("training time", "number")),
        tuple(rows),
        f"The target is the median final validation score of {reference}'s retrained winners. "
        "Medians over the trainings that reached it; epochs of a training share its time equally.",
        rows_behind=pair.rows(stage="retrain"),
    )  # fmt: skip


def front(pair: PairView) -> Figure | None:
    """Test score against training time, one point per retrained winner."""
    words, metric = pair.words, pair.plan.metric
    rows = [
        row
        for variant in pair.plan.variants
        for row in winners(pair, variant)
        if row.ok and row.test_score is not None and row.cost.train_seconds > 0
    ]
    if len(rows) < 2:
        return None
    places = [(row.cost.train_seconds, (row.test_score or 0.0) * words.scale) for row in rows]
    best = non_dominated(places, ("minimize", metric.direction))
    drawn = [
        Points(
            variant,
            tuple(p for p, row in zip(places, rows, strict=True) if row.spec.variant == variant),
            tuple(
                f"repetition {row.spec.repetition}, number {row.spec.number}"
                for row in rows
                if row.spec.variant == variant
            ),
        )
        for variant in pair.plan.variants
    ]
    line = sorted({place for place, on in zip(places, best, strict=True) if on})
    counts = {
        variant: sum(
            bool(on) and row.spec.variant == variant for row, on in zip(rows, best, strict=True)
        )
        for variant in pair.plan.variants
    }
    told = ", ".join(f"{variant} {count}" for variant, count in counts.items())
    return Figure(
        title="Quality against training time",
        alt=f"Test {metric.name} by training time, one point per retrained winner. On the Pareto "
        f"front: {told}.",
        plot=scatter(drawn, line, "training time (s)", f"test {metric.name} ({words.score_unit})"),
        note=f"Each point is a retrained winner. No other winner is both faster and better than "
        f"those on the line, the Pareto front ({told}).",
    )
