"""What holds over all pairs of an experiment."""

from __future__ import annotations

import math

from service.evidence import together
from service.report.document import Cell, Column, Section, Table, Value
from service.report.numbers import number, p_value
from service.report.view import View

PLACE = 40


def section(view: View) -> Section | None:
    """What several pairs tell together; one pair tells nothing more here."""
    return Section("across", "Across pairs", (across(view),)) if len(view.pairs) > 1 else None


def across(view: View) -> Table:
    """What holds over all pairs: corrected p-values and a random-effects mean."""
    found = together(view.plan, [pair.judgement for pair in view.pairs])
    combined = found.combined
    rows: list[tuple[Cell, ...]] = [
        (
            pair.plan.title,
            Value(effect.effect, digits=2, signed=True),
            p_value(effect.p),
            p_value(effect.p_holm),
            Value(None if effect.weight is None else 100 * effect.weight, unit="%", digits=0),
        )
        for pair, effect in zip(view.pairs, found.pairs, strict=True)
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
    held = sum(effect.holds is True for effect in found.pairs)
    note = (
        "Effects in standard deviations of a repetition's difference (Hedges' g). p holds over all "
        f"looks of a pair; corrected for {len(found.pairs)} pairs, {held} of them "
        f"{'differs' if held == 1 else 'differ'} from 0 at {found.alpha:g}. An invalid comparison "
        "has no figures here. "
    )
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
            Column("p over all looks", "number"),
            Column("p, Holm-corrected", "number"),
            Column("weight", "number"),
        ),
        tuple(rows),
        note,
    )
