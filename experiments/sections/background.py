"""What was compared: the question, the data, the baseline, and what others have published."""

from __future__ import annotations

from collections.abc import Mapping

from service.report.document import Block, Callout, Cell, Column, Group, Leaf, Section, Table, Text
from service.report.view import PairView, View

PLACE = 60


def section(view: View) -> Section | None:
    """What a reader must know to understand the answer."""
    blocks: list[Block] = []
    for pair in view.pairs:
        parts = tuple(_pair(view, pair))
        blocks += [Group(pair.plan.title, parts)] if len(view.pairs) > 1 else parts
    return Section("background", "What was compared", tuple(blocks))


def _pair(view: View, pair: PairView) -> list[Leaf]:
    plan = pair.plan
    blocks: list[Leaf] = [Text(plan.question)]
    if plan.why_not_sequential:
        blocks.append(Callout("Why not a straight stack", plan.why_not_sequential))
    if plan.published:
        blocks.append(Callout("Published before", plan.published))
    reference, challenger = plan.variants
    rows: list[tuple[Cell, ...]] = [
        ("reference", reference),
        ("challenger", challenger),
        ("metric", f"{plan.metric.name}, {pair.words.wish} is better"),
        ("baseline", plan.baseline),
        ("size", f"matched to {plan.budget:,} parameters" if plan.budget else _unmatched(pair)),
        ("data", plan.source),
        ("licence", plan.licence or "not stated"),
    ]
    fingerprints = sorted({row.spec.data for row in pair.results})
    if fingerprints:
        rows.append(("data fingerprint", ", ".join(fingerprints)))
    counts = sorted({row.examples for row in pair.results if row.examples is not None})
    if counts:
        told = [f"{train:,} / {val:,} / {test:,}" for train, val, test in counts[:3]]
        rows.append(("examples (train / validation / test)", "; ".join(told)))
    facts = view.facts.get("data", {})
    known = facts.get(plan.name, {}) if isinstance(facts, Mapping) else {}
    rows += [(str(key), str(value)) for key, value in known.items() if key != "fingerprint"]
    blocks.append(Table("The comparison", (Column("what"), Column("value")), tuple(rows)))
    blocks.append(_space(pair))
    return blocks


def _unmatched(pair: PairView) -> str:
    why = pair.plan.unmatched_because
    return f"not matched: {why}" if why else "not matched"


def _space(pair: PairView) -> Table:
    spaces = [pair.plan.spaces.get(name, {}) for name in pair.plan.variants]
    names = list(dict.fromkeys(key for space in spaces for key in space))
    return Table(
        "What was searched",
        (Column("hyperparameter"), *(Column(name) for name in pair.plan.variants)),
        tuple(
            (name, *(str(space[name]) if name in space else None for space in spaces))
            for name in names
        ),
        "A dash: this variant has no such hyperparameter.",
    )
