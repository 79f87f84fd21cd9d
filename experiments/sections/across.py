"""What holds over all pairs of an experiment."""

from __future__ import annotations

import math

from service.report.document import Cell, Column, Section, Table, Value
from service.report.numbers import number, p_value
from service.report.view import View
from service.stats.across import holm, random_effects, standardized_effect

PLACE = 40


def section(view: View) -> Section | None:
    """What several pairs tell together; one pair tells nothing more here."""
    return Section("across", "Across pairs", (across(view),)) if len(view.pairs) > 1 else None


def across(view: View) -> Table:
    """What holds over all pairs: corrected p-values and a random-effects mean."""
    effects = [standardized_effect(pair.judgement.tally.differences) for pair in view.pairs]
    corrected = holm([pair.verdict.p_value for pair in view.pairs])
    combined = random_effects(
        [None if e is None else e[0] for e in effects],
        [None if e is None else e[1] for e in effects],
        round(1 - view.plan.design.confidence, 12),
    )
    rows: list[tuple[Cell, ...]] = [
        (
            pair.plan.title,
            Value(None if effect is None else effect[0], digits=2, signed=True),
            p_value(pair.verdict.p_value),
            p_value(p),
            Value(None if weight is None else 100 * weight, unit="%", digits=0),
        )
        for pair, effect, p, weight in zip(
            view.pairs, effects, corrected, combined.weights, strict=True
        )
    ]
    rows.append(
        (
            "All pairs (random effects)",
            Value(
                combined.mean,
                digits=2,
                signed=True,
                interval=combined.interval,
                n_ok=combined.n_used,
                n_planned=len(view.pairs),
            ),
            p_value(combined.p_value),
            None,
            None,
        )
    )
    note = "Effects in standard deviations of a repetition's difference (Hedges' g). "
    if combined.prediction_interval is not None and math.isfinite(combined.prediction_interval[0]):
        low, high = combined.prediction_interval
        note += (
            f"In a new pair the effect is expected between {number(low, 2, signed=True)} and "
            f"{number(high, 2, signed=True)}."
        )
    else:
        note += "A prediction for a new pair needs three pairs with a result."
    return Table(
        "Effects of all pairs together",
        (
            Column("pair"),
            Column("effect g", "number"),
            Column("p", "number"),
            Column("p, Holm-corrected", "number"),
            Column("weight", "number"),
        ),
        tuple(rows),
        note,
    )
