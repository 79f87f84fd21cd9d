"""Side by side: both variants of each pair, their scores, costs, searches and failures."""

from __future__ import annotations

import math
from collections.abc import Sequence

from experiments.sections._architectures import architectures
from experiments.sections._further import metrics, references
from experiments.sections._quality_and_cost import front, to_target
from experiments.sections._samples import examples
from experiments.sections._searches import failures, importance, tuned
from experiments.sections._tuning import budgets, luck
from service.report.document import (
    Block,
    Cell,
    Column,
    Figure,
    Group,
    Leaf,
    Section,
    Table,
    Value,
)
from service.report.numbers import decimals, number
from service.report.plots import lines, slopes
from service.report.view import PairView, View

PLACE = 30

_COST_UNITS = {"parameters": "count", "FLOPs": "si", "s": "s", "B": "B"}
_COST_NAMES = {
    "FLOPs": "FLOPs, forward, one example",
    "training time": "training time of a winner",
    "latency": "latency, one example",
}


def section(view: View) -> Section | None:
    """The two variants of each pair next to each other."""
    blocks: list[Block] = []
    for pair in view.pairs:
        parts: list[Leaf] = [comparison(pair), *architectures(pair)]
        if pair.judgement.tally.n_ok:
            parts.append(paired(pair))
        parts += curves(pair)
        parts += [part for part in (front(pair), to_target(pair)) if part is not None]
        parts += [shown] if (shown := examples(pair)) else []
        parts.append(tuned(pair))
        if any(pair.importance.values()):
            parts.append(importance(pair))
        parts += [part for part in (budgets(view, pair), luck(view, pair)) if part is not None]
        if pair.judgement.tally.failures:
            parts.append(failures(pair))
        blocks += [Group(pair.plan.title, tuple(parts))] if len(view.pairs) > 1 else parts
    return Section("side-by-side", "Side by side", tuple(blocks))


def _paired_scores(pair: PairView) -> tuple[list[float], list[float]]:
    """Mean test scores of repetitions that have both: only so the difference is that of means."""
    found = [
        (r.reference.mean, r.challenger.mean)
        for r in pair.judgement.tally.repetitions
        if r.reference.mean is not None and r.challenger.mean is not None
    ]
    return [first for first, _ in found], [second for _, second in found]


def _spread(values: Sequence[float]) -> tuple[float | None, float | None]:
    """Mean and standard deviation, None where there are too few values."""
    if not values:
        return None, None
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return mean, None
    return mean, math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (len(values) - 1))


def comparison(pair: PairView) -> Table:
    """The table that people look for: one row per quantity, one column per variant."""
    words, tally = pair.words, pair.judgement.tally
    reference, challenger = pair.plan.variants
    unit, n = words.score_unit, tally.n_planned
    means, sds = [], []
    for scores in _paired_scores(pair):
        mean, sd = _spread([score * words.scale for score in scores])
        means.append(mean)
        sds.append(sd)
    digits = decimals(max((sd for sd in sds if sd), default=pair.plan.margin * words.scale))
    verdict = pair.verdict
    shown = Value(
        words.scaled(verdict.mean_difference),
        unit=words.difference_unit,
        digits=digits,
        signed=True,
        n_ok=verdict.n_ok,
        n_planned=n,
    )
    rows: list[tuple[Cell, ...]] = [
        (
            f"test {pair.plan.metric.name} ({words.wish} is better)",
            *(
                Value(
                    mean,
                    unit=unit,
                    digits=digits,
                    n_ok=tally.n_ok,
                    n_planned=n,
                    rows=pair.rows(stage="retrain", variant=variant),
                )
                for variant, mean in zip(pair.plan.variants, means, strict=True)
            ),
            shown,
        ),
        (
            "standard deviation over repetitions",
            *(Value(sd, unit=words.difference_unit, digits=digits) for sd in sds),
            None,
        ),
    ]
    baselines = [r.baseline * words.scale for r in tally.repetitions if r.baseline is not None]
    base = Value(_spread(baselines)[0], unit=unit, digits=digits, n_ok=len(baselines), n_planned=n)
    rows.append((f"baseline: {pair.plan.baseline}", base, base, None))
    rows += references(pair, digits)
    rows += metrics(pair)
    for cost in tally.costs:
        cost_unit = _COST_UNITS.get(cost.name) or _COST_UNITS[cost.unit]
        rows.append(
            (
                _COST_NAMES.get(cost.name, cost.name),
                *(
                    Value(
                        value,
                        unit=cost_unit,
                        n_ok=count,
                        n_planned=cost.n_planned,
                        rows=pair.rows(stage="retrain", variant=variant),
                    )
                    for variant, value, count in zip(
                        pair.plan.variants,
                        (cost.reference, cost.challenger),
                        cost.n_ok,
                        strict=True,
                    )
                ),
                Value(cost.ratio, unit="ratio", interval=cost.interval),
            )
        )
    return Table(
        f"{reference} and {challenger}",
        (
            Column("quantity"),
            Column(reference, "number"),
            Column(challenger, "number"),
            Column("difference or ratio", "number"),
        ),
        tuple(rows),
        "Scores are means, over the repetitions that have both, of the retrained winners' mean test "
        "score after the last epoch; costs are medians over the retrained winners that ended ok. The difference is "
        "positive where the challenger is better, ratios are challenger to reference.",
        brief=True,
        rows_behind=pair.rows(stage="retrain"),
    )


def paired(pair: PairView) -> Figure:
    """Every repetition's two scores."""
    tally, (reference, challenger) = pair.judgement.tally, pair.plan.variants
    ahead = sum(d > 0 for d in tally.differences)
    equal = sum(d == 0 for d in tally.differences)
    return Figure(
        title="Every repetition, paired",
        alt=f"Lines from the test {pair.plan.metric.name} of {reference} to that of {challenger}, "
        f"one per repetition: {challenger} is ahead in {ahead} of {tally.n_ok}, equal in {equal}.",
        plot=slopes(pair),
        note=f"Each thin line is one repetition: the same split, a search and "
        f"retrained winners per variant ({tally.n_ok}/{tally.n_planned}).",
    )


def curves(pair: PairView) -> list[Figure]:
    """How the winners learned and how the searches advanced."""
    tally, words = pair.judgement.tally, pair.words
    name = f"validation {pair.plan.metric.name} ({words.score_unit})"
    found = []
    for traces, title, x, y, scale, what in (
        (
            tally.validation_curves,
            "Learning curves",
            "epoch",
            name,
            words.scale,
            "retrained winners",
        ),
        (tally.loss_curves, "Training loss", "epoch", "training loss", 1.0, "retrained winners"),
        (
            tally.search_curves,
            "Search history: best so far",
            "search trial",
            f"best {name}",
            words.scale,
            "searches",
        ),
    ):
        if not any(trace.x for trace in traces):
            continue
        last = " and ".join(
            f"{trace.variant} at {number(trace.mean[-1] * scale)}" for trace in traces if trace.x
        )
        counts = ", ".join(
            f"{trace.variant} {max(trace.n_ok, default=0)}/{trace.n_planned}" for trace in traces
        )
        found.append(
            Figure(
                title=title,
                alt=f"{title}: {y} by {x}; the means end with {last}.",
                plot=lines(traces, x, y, scale),
                note=f"Mean and one standard deviation over {what} ({counts}).",
            )
        )
    return found
