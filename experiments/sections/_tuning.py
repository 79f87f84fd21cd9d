"""What the luck of a score is made of, and what another budget of trials would find."""

from __future__ import annotations

from service.evidence.tuning import budget_curve, variances
from service.report.document import Cell, Column, Table, Value
from service.report.numbers import decimals
from service.report.view import PairView, View

_DRAWN = {"split": "split and search", "search": "search", "seeds": "nothing"}
_LONGER = 4  # a search this many times as long is as far as the trials at hand can be stretched


def luck(view: View, pair: PairView) -> Table | None:
    """The parts of repetitions and of seeds in the variance of a test score."""
    found = variances(view.plan, pair.judgement.tally)
    if not any(found):
        return None
    rows: list[tuple[Cell, ...]] = []
    for variant, shares in zip(pair.plan.variants, found, strict=True):
        drawn = None
        if shares is not None:
            drawn = shares.split_share if view.plan.design.anew == "split" else shares.search_share
        seeds = None if shares is None else shares.seed_share
        rows.append(
            (
                variant,
                *(
                    Value(None if share is None else 100 * share, unit="%", digits=0)
                    for share in (drawn, seeds)
                ),
            )
        )
    return Table(
        "Where the variance of a test score comes from",
        (
            Column("variant"),
            Column(_DRAWN[view.plan.design.anew], "number"),
            Column("seeds of the winners", "number"),
        ),
        tuple(rows),
        "Variance components of a nested analysis of variance. Where seeds have the larger part, more "
        "retrained winners help; where they have the smaller one, only more repetitions do.",
        folded=True,
    )


def budgets(view: View, pair: PairView) -> Table | None:
    """The best validation score to be expected of searches of other lengths."""
    tally, words = pair.judgement.tally, pair.words
    curves = [
        budget_curve(view.plan, pair.plan, variant, pair.results, tally)
        for variant in pair.plan.variants
    ]
    known = [curve for curve in curves if curve is not None]
    if not known:
        return None
    trials = view.plan.search.trials
    most = min(_LONGER * trials, *(curve.n_planned for curve in known))
    lengths = sorted({trials, *(2**power for power in range(12))} & set(range(1, most + 1)))
    digits = decimals(pair.plan.margin * words.scale)
    rows: list[tuple[Cell, ...]] = [
        (
            f"{length}" + (" (the protocol's)" if length == trials else ""),
            *(
                None
                if curve is None
                else Value(
                    words.scaled(curve.expected[length - 1]),
                    unit=words.score_unit,
                    digits=digits,
                    interval=words.between((curve.low[length - 1], curve.high[length - 1])),
                    n_ok=curve.n_ok,
                    n_planned=curve.n_planned,
                )
                for curve in curves
            ),
        )
        for length in lengths
    ]
    return Table(
        "What a search of another length would find",
        (Column("trials of a search"), *(Column(name, "number") for name in pair.plan.variants)),
        tuple(rows),
        "The best validation score to be expected, with a 95% bootstrap band, as if trials were drawn "
        "at random from those that were run (Dodge et al. 2019); one without a score leaves the "
        "baseline. n/N counts trials that ended ok.",
        folded=True,
    )
