"""Two experiments side by side, differences first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from service.report.document import Cell, Column, Mark, Table, Value
from service.report.numbers import decimals
from service.report.view import PairView, ReportInput, View, look_at

_NOT_COMPARED = ("config", "experiment", "mlflow")


def compare(first: ReportInput, second: ReportInput) -> list[Table]:
    """Compare two experiments.

    Args:
        first, second: what their reports are made of.

    Returns:
        What differs in plan, libraries and machine; the verdicts; the costs.
    """
    names = (first.plan.experiment, second.plan.experiment)
    if names[0] == names[1]:
        names = (f"{names[0]} (first)", f"{names[1]} (second)")
    views = (look_at(first), look_at(second))
    return [_differences(first, second, names), _verdicts(views, names), _costs(views, names)]


def _differences(first: ReportInput, second: ReportInput, names: tuple[str, str]) -> Table:
    one, two = _told(first), _told(second)
    keys = [*one, *(key for key in two if key not in one)]
    rows = [(key, one.get(key), two.get(key)) for key in keys if one.get(key) != two.get(key)]
    same = first.plan.protocol_hash == second.plan.protocol_hash
    return Table(
        "What differs: nothing" if not rows else f"What differs ({len(rows)})",
        (Column("what"), *(Column(name) for name in names)),
        tuple(rows),
        "The protocol is the same." if same else "The protocols differ.",
    )


def _told(given: ReportInput) -> dict[str, str]:
    """Plan, libraries and machine as texts by dotted key."""
    plan = given.plan.model_dump(mode="json", exclude=set(_NOT_COMPARED))
    plan["pairs"] = {pair["name"]: pair for pair in plan["pairs"]}
    known = {name: given.facts.get(name, {}) for name in ("versions", "hardware")}
    return dict(_flat({**plan, **known}, ""))


def _flat(document: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(document, Mapping):
        for name, value in document.items():
            yield from _flat(value, f"{key}.{name}" if key else str(name))
    else:
        yield key, str(document)


def _both(views: tuple[View, View]) -> list[tuple[PairView | None, PairView | None]]:
    one, two = ({pair.plan.name: pair for pair in view.pairs} for view in views)
    return [(one.get(name), two.get(name)) for name in [*one, *(n for n in two if n not in one)]]


def _verdicts(views: tuple[View, View], names: tuple[str, str]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one, two in _both(views):
        for name, pair in zip(names, (one, two), strict=True):
            if pair is not None:
                rows.append((f"{pair.plan.name}, {name}", Mark(*pair.label), _effect(pair)))
        if one is not None and two is not None:
            rows.append((f"{one.plan.name}, change", None, _change(one, two)))
    return Table(
        "Verdicts",
        (Column("pair, run"), Column("verdict", "status"), Column("difference", "number")),
        tuple(rows),
        "Differences are the challenger's lead with the look's interval. The change is the second "
        "lead less the first, with Welch's 95% interval: it holds where the two experiments share "
        "no seeds.",
    )


def _effect(pair: PairView) -> Value:
    words, verdict = pair.words, pair.verdict
    return Value(
        words.scaled(verdict.mean_difference),
        unit=words.difference_unit,
        digits=_digits(pair),
        signed=True,
        interval=words.between(verdict.interval),
        n_ok=verdict.n_ok,
        n_planned=pair.judgement.tally.n_planned,
    )


def _digits(pair: PairView) -> int:
    ends = pair.verdict.interval
    half = (ends[1] - ends[0]) / 2 if ends else pair.plan.margin
    return decimals(half * pair.words.scale)


def _change(one: PairView, two: PairView) -> Cell:
    a, b = one.judgement.tally.differences, two.judgement.tally.differences
    if one.plan.metric != two.plan.metric:
        return "other metric"
    if not a or not b:
        return None
    scale = one.words.scale
    change = (math.fsum(b) / len(b) - math.fsum(a) / len(a)) * scale
    interval = None
    if min(len(a), len(b)) > 1 and (len(set(a)) > 1 or len(set(b)) > 1):
        from scipy import stats  # here: it takes most of a second to load, and few compare

        found = stats.ttest_ind(b, a, equal_var=False).confidence_interval(0.95)
        interval = (float(found.low) * scale, float(found.high) * scale)
    digits = min(_digits(one), _digits(two))
    return Value(change, one.words.difference_unit, digits, signed=True, interval=interval)


def _costs(views: tuple[View, View], names: tuple[str, str]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for one, two in _both(views):
        known = one or two
        assert known is not None
        for place, cost in enumerate(known.judgement.tally.costs):
            ratios = [
                None if pair is None else Value(
                    pair.judgement.tally.costs[place].ratio,
                    "ratio",
                    interval=pair.judgement.tally.costs[place].interval,
                )
                for pair in (one, two)
            ]  # fmt: skip
            rows.append((f"{known.plan.name}, {cost.name}", *ratios))
    return Table(
        "Costs, challenger to reference",
        (Column("pair, cost"), *(Column(name, "number") for name in names)),
        tuple(rows),
    )
