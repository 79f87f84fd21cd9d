"""What each search chose, and what failed and why."""

from __future__ import annotations

from collections.abc import Sequence

from service.evidence.records import Repetition, Side
from service.report.document import Cell, Column, Table, Value
from service.report.view import PairView


def tuned(pair: PairView) -> Table:
    """What each search chose, repetition by repetition."""
    sides = [side for r in pair.judgement.tally.repetitions for side in (r.reference, r.challenger)]
    names = sorted({key for side in sides for key in side.winner or {}})
    words = pair.words
    rows: list[tuple[Cell, ...]] = []
    for r in pair.judgement.tally.repetitions:
        for side in (r.reference, r.challenger):
            rows.append(_tuned_row(pair, r, side, names))
    return Table(
        "What each search chose",
        (
            Column("repetition, variant"),
            Column("trial", "number"),
            *(Column(name, "number") for name in names),
            Column(f"validation ({words.score_unit})", "number", digits=2),
            Column(f"test ({words.score_unit})", "number", digits=2),
            Column("why missing"),
        ),
        tuple(rows),
        folded=True,
        rows_behind=pair.rows(),
    )


def _tuned_row(pair: PairView, r: Repetition, side: Side, names: Sequence[str]) -> tuple[Cell, ...]:
    scale = pair.words.scale
    behind = {"repetition": r.index, "variant": side.variant}
    chosen = side.winner or {}
    scores = len(side.scores)
    return (
        f"{r.index}, {side.variant}",
        Value(side.winner_number, unit="count", rows=pair.rows(stage="search", **behind)),
        *(_setting(chosen.get(name)) for name in names),
        Value(None if side.validation is None else side.validation * scale),
        Value(
            None if side.mean is None else side.mean * scale,
            n_ok=scores,
            n_planned=side.n_planned,
            rows=pair.rows(stage="retrain", **behind),
        ),
        side.missing or "",
    )


def _setting(value: object) -> Cell:
    if value is None:
        return None
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def importance(pair: PairView) -> Table:
    """Which hyperparameters decided how good each variant got."""
    known = [pair.importance.get(variant) or {} for variant in pair.plan.variants]
    names = list(dict.fromkeys(name for shares in known for name in shares))
    names.sort(key=lambda name: -max(shares.get(name, 0.0) for shares in known))
    silent = [v for v, shares in zip(pair.plan.variants, known, strict=True) if not shares]
    few = f" {' and '.join(silent)}: too few trials ended ok to tell." if silent else ""
    return Table(
        "Which hyperparameters mattered",
        (Column("hyperparameter"), *(Column(name, "number") for name in pair.plan.variants)),
        tuple(
            (
                name,
                *(
                    Value(100 * shares[name] if name in shares else None, unit="%", digits=0)
                    for shares in known
                ),
            )
            for name in names
        ),
        "Shares of 100%, by how differently the best fifth of a variant's search trials lies from all "
        "of them (PED-ANOVA); trials of all repetitions, each score less its search's mean. They say "
        f"what the search found to matter within these ranges, not why.{few}",
        folded=True,
    )


def failures(pair: PairView) -> Table:
    """Every training that ended neither ok nor pruned."""
    found = pair.judgement.tally.failures
    return Table(
        f"Trainings that failed ({len(found)})",
        (Column("variant, stage"), Column("repetition", "number"), Column("number", "number"),
         Column("status"), Column("reason")),
        tuple(
            (f"{f.variant}, {f.stage.value}", Value(f.repetition, unit="count"),
             Value(f.number, unit="count"), f.status.value, f.reason)
            for f in found
        ),
        folded=True,
    )  # fmt: skip
