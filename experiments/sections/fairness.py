"""The fairness audit: the conditions a verdict stands or falls with, and who spent what."""

from __future__ import annotations

from service.contracts.trial import Status
from service.report.document import (
    Block,
    Callout,
    Cell,
    Column,
    Group,
    Leaf,
    Mark,
    Section,
    Table,
    Text,
    Tone,
    Value,
)
from service.report.numbers import decimals
from service.report.view import PairView, View

PLACE = 20


def section(view: View) -> Section | None:
    """Whether both variants had the same chances."""
    blocks: list[Block] = [
        Text(
            "A verdict is worth what the comparison behind it is worth. Each condition below is "
            "checked on the recorded results; one that does not hold makes the verdict invalid, "
            "a warning does not."
        )
    ]
    for pair in view.pairs:
        parts: tuple[Leaf, ...] = (summary(pair), checks(pair), budgets(pair), regimes(pair))
        blocks += [Group(pair.plan.title, parts)] if len(view.pairs) > 1 else parts
    blocks.append(protocol(view))
    return Section("fairness", "Fairness audit", tuple(blocks))


def summary(pair: PairView) -> Callout:
    """All checks in one line."""
    found = [check for check in pair.judgement.checks if not check.warning]
    bad = [check.detail for check in found if check.passed is False]
    unknown = [check for check in found if check.passed is None]
    held = sum(check.passed is True for check in found)
    text = f"{held} of {len(found)} conditions hold"
    if unknown:
        text += (
            f", {len(unknown)} {'does' if len(unknown) == 1 else 'do'} not apply or cannot be told"
        )
    if bad:
        text += f"; {len(bad)} {'does' if len(bad) == 1 else 'do'} not: {'; '.join(bad)}"
    text += "."
    warnings = [c.detail for c in pair.judgement.checks if c.warning and c.passed is False]
    if warnings:
        text += f" Warning: {'; '.join(warnings)}."
    title = "Not a fair comparison" if bad else "A fair comparison"
    if not bad and not held:
        title = "Nothing to check yet"
    tone: Tone = "bad" if bad else "warning" if warnings else "good" if held else "open"
    return Callout(title, text, tone, brief=True)


def _mark(passed: bool | None, warning: bool) -> Mark:
    if passed is None:
        return Mark("not known", "open")
    if passed:
        return Mark("holds", "good")
    return Mark("warning", "warning") if warning else Mark("fails", "bad")


def checks(pair: PairView) -> Table:
    """Every condition with the numbers behind it."""
    return Table(
        "Conditions of a fair comparison",
        (Column("condition"), Column("result", "status"), Column("detail")),
        tuple(
            (check.name, _mark(check.passed, check.warning), check.detail)
            for check in pair.judgement.checks
        ),
        rows_behind=pair.rows(),
    )


def budgets(pair: PairView) -> Table:
    """What each variant spent, failures included."""
    found = pair.judgement.tally.budgets
    bad = [s for s in Status if s is not Status.OK and any(b.counts.get(s) for b in found)]
    columns = (
        Column("variant, stage"),
        Column("trainings", "number"),
        Column("ok", "number"),
        *(Column(status.value, "number") for status in bad),
        Column("epochs", "number"),
        Column("training", "number"),
        Column("compiling", "number"),
        Column("training FLOPs", "number"),
    )
    rows: list[tuple[Cell, ...]] = []
    for b in found:
        if b.n_recorded == 0 and b.variant not in pair.plan.variants:
            continue
        name = b.variant if b.variant == b.stage.value else f"{b.variant}, {b.stage.value}"
        rows.append(
            (
                name,
                Value(
                    b.n_recorded,
                    unit="count",
                    n_ok=b.n_recorded,
                    n_planned=b.n_planned,
                    rows=pair.rows(variant=b.variant, stage=b.stage.value),
                ),
                Value(b.n_ok, unit="count"),
                *(Value(b.counts.get(status, 0), unit="count") for status in bad),
                Value(b.epochs, unit="count"),
                Value(b.train_seconds, unit="s"),
                Value(b.compile_seconds, unit="s"),
                Value(b.flops, unit="si"),
            )
        )
    note = (
        "n/N counts trainings recorded out of those planned up to this look. Failed, pruned and "
        "timed-out trainings count against the budget. Training FLOPs are three forward passes per "
        "example, from the layers' shapes."
    )
    return Table("Budget ledger", columns, tuple(rows), note, rows_behind=pair.rows())


def regimes(pair: PairView) -> Table:
    """What the same search trials would have found under budgets equal in another way."""
    words = pair.words
    reference, challenger = pair.plan.variants
    rows: list[tuple[Cell, ...]] = []
    for regime in pair.judgement.tally.regimes:
        first, second = regime.trials or (None, None)
        unit = {"trials": "count", "s": "s", "FLOPs": "si"}[regime.unit]
        budget = first if regime.unit == "trials" else regime.budget
        rows.append(
            (
                regime.name,
                Value(budget, unit=unit, n_ok=regime.n_ok, n_planned=regime.n_planned),
                Value(first, digits=1),
                Value(second, digits=1),
                Value(
                    words.scaled(regime.difference),
                    unit=words.difference_unit,
                    digits=decimals(pair.plan.margin * words.scale),
                    signed=True,
                    interval=words.between(regime.interval),
                ),
            )
        )
    return Table(
        "Secondary: the same searches under other equal budgets",
        (
            Column("regime"),
            Column("budget of a search", "number"),
            Column(f"trials, {reference}", "number"),
            Column(f"trials, {challenger}", "number"),
            Column("difference in best validation score", "number"),
        ),
        tuple(rows),
        "Equal trials is the protocol's budget. The other rows give both searches of a repetition the "
        "smaller one's total and compare the best of the first trials that fit into it, within 5%, on "
        "the validation split; budgets are medians, intervals cover 95% at this look alone, times depend "
        "on the machine. No verdict rests on this table.",
    )


_ANEW = {
    "split": "split, search and seeds",
    "search": "search and seeds, on one fixed split",
    "seeds": "seeds, of one search on one split",
}


def protocol(view: View) -> Table:
    """What was fixed before the first trial."""
    plan = view.plan
    looks = ", ".join(str(look) for look in plan.design.looks)
    rows: list[tuple[Cell, ...]] = [
        ("protocol hash", plan.protocol_hash),
        ("looks (repetitions)", looks),
        (
            "trials per variant and repetition",
            f"{plan.search.trials}, {plan.search.sampler} sampler",
        ),
        ("pruner", plan.search.pruner),
        ("epoch cap", ", ".join(sorted({str(pair.plan.epochs) for pair in view.pairs}))),
        ("each repetition draws anew", _ANEW[plan.design.anew]),
        ("retrained winners", f"{plan.design.retrain} per variant and repetition"),
        ("confidence over all looks", f"{plan.design.confidence * 100:.4g}%"),
    ]
    if plan.design.reserve:
        kept = f"{plan.design.reserve * 100:.4g}% of the error rate"
        rows.append(("kept for extensions", kept))
    if plan.design.extensions:
        more = ", ".join(str(count) for count in plan.design.extensions)
        rows.append(("extended afterwards by (repetitions)", more))
    for pair in view.pairs:
        verdict = pair.verdict
        where = f", {pair.plan.title}" if len(view.pairs) > 1 else ""
        rows.append(
            (
                f"this look{where}",
                f"{verdict.look + 1} of {len(verdict.looks)}: two-sided level "
                f"{verdict.look_alpha:.4f}, equivalence one-sided {verdict.look_tost_alpha:.4f}",
            )
        )
    return Table(
        "The protocol, fixed before the first trial",
        (Column("what"), Column("value")),
        tuple(rows),
        "A changed protocol has another hash and is another experiment. The error rates of this rule "
        "are measured: make validate-statistics writes docs/calibration.md.",
    )
