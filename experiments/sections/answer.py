"""The answer: one sentence per pair, the verdict's numbers, and effects against their margins."""

from __future__ import annotations

from experiments.sections._beside import difference_digits, noise_of, over_examples
from service.evidence.records import Cost
from service.report.document import (
    Block,
    Cell,
    Column,
    Figure,
    Finding,
    Mark,
    Section,
    Strip,
    Table,
    Value,
)
from service.report.numbers import amount, p_value
from service.report.plots import forest
from service.report.view import PairView, View

PLACE = 10


def section(view: View) -> Section | None:
    """What was found, for who reads nothing else."""
    blocks: list[Block] = [finding(pair) for pair in view.pairs]
    if len(view.pairs) == 1:
        blocks.append(verdict_of(view.pairs[0]))
    else:
        blocks += [verdicts(view), ratios(view)]
    shown = [pair for pair in view.pairs if pair.verdict.mean_difference is not None]
    if shown:
        plot, height = forest(shown)
        told = "; ".join(f"{pair.plan.title}: {pair.judgement.sentence}" for pair in shown)
        blocks.append(
            Figure(
                title="Effect of the architecture against the margin that matters",
                alt=f"Mean differences with intervals. {told}",
                plot=plot,
                note="Right of 0 the challenger is better. The shaded band is the margin: an effect "
                "inside it does not matter. Thin lines are the intervals that decide between the "
                "variants, thick ones those that decide equivalence; both hold over all planned "
                "looks. Open circles are single repetitions.",
                height=height,
                wide=True,
            )
        )
    return Section("answer", "Answer", tuple(blocks))


def difference(pair: PairView) -> Value:
    """The mean difference with its interval, in the unit it is told in."""
    words, verdict = pair.words, pair.verdict
    return Value(
        words.scaled(verdict.mean_difference),
        unit=words.difference_unit,
        digits=difference_digits(pair),
        signed=True,
        interval=words.between(verdict.interval),
        n_ok=verdict.n_ok,
        n_planned=pair.judgement.tally.n_planned,
        rows=pair.rows(stage="retrain"),
    )


def probability(pair: PairView) -> Value:
    """How often the challenger is better in a repetition, in per cent."""
    verdict = pair.verdict
    interval = verdict.improvement_interval
    return Value(
        None if verdict.improvement is None else 100 * verdict.improvement,
        unit="%",
        digits=0,
        interval=None if interval is None else (100 * interval[0], 100 * interval[1]),
        n_ok=verdict.n_ok,
        n_planned=pair.judgement.tally.n_planned,
        rows=pair.rows(stage="retrain"),
    )


def finding(pair: PairView) -> Finding:
    """The answer for one pair."""
    words, verdict, tally = pair.words, pair.verdict, pair.judgement.tally
    reference, challenger = pair.plan.variants
    strip = None
    if verdict.mean_difference is not None:
        strip = Strip(
            mean=verdict.mean_difference * words.scale,
            interval=words.between(verdict.interval),
            inner=words.between(verdict.tost_interval),
            margin=pair.plan.margin * words.scale,
            unit=words.difference_unit,
            left=f"{reference} better",
            right=f"{challenger} better",
            digits=difference_digits(pair),
        )
    ratios = {cost.name: cost for cost in tally.costs}
    costs = [
        (name, Value(ratios[name].ratio, unit="ratio", interval=ratios[name].interval))
        for name in ("training time", "latency", "parameters")
        if ratios[name].ratio is not None
    ]
    floor = pair.judgement.noise_floor
    noise = (
        []
        if floor is None
        else [("noise floor: two equal models differ by", noise_of(pair, floor))]
    )
    label, tone = pair.label
    return Finding(
        title=pair.plan.title,
        label=label[:1].upper() + label[1:],
        tone=tone,
        sentence=pair.judgement.sentence,
        strip=strip,
        figures=(
            (f"difference in {pair.plan.metric.name}", difference(pair)),
            (f"repetitions that {challenger} wins", probability(pair)),
            *noise,
            *((f"{name}, {challenger} to {reference}", value) for name, value in costs[:2]),
        ),
        warnings=pair.judgement.warnings,
    )


def verdict_of(pair: PairView) -> Table:
    """One pair: a row per number."""
    words, verdict = pair.words, pair.verdict
    label, tone = pair.label
    reference, challenger = pair.plan.variants
    digits = difference_digits(pair)
    unit = words.difference_unit
    equivalence = Value(
        words.scaled(verdict.mean_difference),
        unit=unit,
        digits=digits,
        signed=True,
        interval=words.between(verdict.tost_interval),
    )
    rows: list[tuple[Cell, ...]] = [
        ("verdict", Mark(label, tone), f"look {verdict.look + 1} of {len(verdict.looks)}"),
        (
            f"mean difference [{pair.confidence} interval]",
            difference(pair),
            f"positive: {challenger} is better",
        ),
        (
            f"mean difference [{(1 - 2 * verdict.tost_alpha) * 100:.4g}% interval]",
            equivalence,
            "equivalent when all of it lies inside the margin",
        ),
        (
            "margin",
            amount(pair.plan.margin * words.scale, unit),
            "smaller differences do not matter",
        ),
        *over_examples(pair),
        *(
            []
            if pair.judgement.noise_floor is None
            else [
                (
                    "noise floor [95% interval]",
                    noise_of(pair, pair.judgement.noise_floor),
                    f"{reference} against its control: one architecture, tuned and trained apart",
                )
            ]
        ),
        (
            "standard deviation of the differences",
            Value(words.scaled(verdict.sd), unit=unit, digits=digits),
            "between repetitions",
        ),
        (f"repetitions that {challenger} wins", probability(pair), "ties count half"),
        (
            "p, paired t" + (", stages combined" if verdict.extensions else ""),
            p_value(verdict.p_value),
            f"decides below {verdict.look_alpha:.4f} at this look",
        ),
        (
            "p, equivalence",
            p_value(verdict.tost_p),
            f"decides below {verdict.look_tost_alpha:.4f} at this look",
        ),
        (
            "p, exact sign-flip",
            p_value(verdict.sign_flip_p),
            "a check without assumptions on the shape",
        ),
    ]
    for cost in pair.judgement.tally.costs:
        rows.append(
            (
                f"{cost.name}, {challenger} to {reference}",
                cost_ratio(pair, cost),
                "mean over repetitions, 95% interval"
                if cost.interval
                else "medians of the winners",
            )
        )
    return Table(
        "The verdict in numbers",
        (Column("quantity"), Column("value", "number"), Column("reading")),
        tuple(rows),
        "Intervals and levels hold over all planned looks together; n/N counts what has a result "
        "out of what was planned up to this look.",
        rows_behind=pair.rows(stage="retrain"),
    )


def verdicts(view: View) -> Table:
    """Several pairs: one row each."""
    rows: list[tuple[Cell, ...]] = []
    for pair in view.pairs:
        margin = amount(pair.plan.margin * pair.words.scale, pair.words.difference_unit)
        won, p = probability(pair), p_value(pair.verdict.p_value)
        rows.append((pair.plan.title, Mark(*pair.label), difference(pair), margin, won, p))
    return Table(
        "Verdicts",
        (
            Column("pair"),
            Column("verdict", "status"),
            Column(f"difference [{view.pairs[0].confidence} interval]", "number"),
            Column("margin", "number"),
            Column("challenger wins", "number"),
            Column("p", "number"),
        ),
        tuple(rows),
        "Differences are signed so that positive means that the challenger (the second variant) is "
        "better; n/N counts repetitions with a result out of those planned up to this look. "
        "p is the paired t test's.",
    )


def cost_ratio(pair: PairView, cost: Cost) -> Value:
    """A cost of the challenger relative to the reference, as a table shows it."""
    return Value(
        cost.ratio,
        "ratio",
        interval=cost.interval,
        n_ok=sum(cost.n_ok),
        n_planned=2 * cost.n_planned,
        rows=pair.rows(stage="retrain"),
    )


def ratios(view: View) -> Table:
    """Several pairs: what their challengers cost, relative to their references."""
    names = [cost.name for cost in view.pairs[0].judgement.tally.costs]
    rows: list[tuple[Cell, ...]] = [
        (
            pair.plan.title,
            *(cost_ratio(pair, cost) for cost in pair.judgement.tally.costs),
        )
        for pair in view.pairs
    ]
    return Table(
        "Costs, challenger to reference",
        (Column("pair"), *(Column(name, "number") for name in names)),
        tuple(rows),
        "Ratios of the retrained winners' medians; above 1 the challenger costs more.",
    )
