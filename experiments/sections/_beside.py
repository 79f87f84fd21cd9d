"""What stands beside the effect: two equal models' difference, and other test examples."""

from __future__ import annotations

from service.evidence.records import NoiseFloor
from service.report.document import Cell, Value
from service.report.numbers import decimals
from service.report.view import PairView


def difference_digits(pair: PairView) -> int:
    """Decimals that this pair's differences deserve."""
    interval = pair.verdict.interval
    width = (interval[1] - interval[0]) / 2 if interval else pair.plan.margin
    return decimals(width * pair.words.scale)


def noise_of(pair: PairView, floor: NoiseFloor) -> Value:
    """What two equal models differ by, in the unit the difference is told in."""
    words = pair.words
    return Value(
        words.scaled(floor.mean),
        unit=words.difference_unit,
        digits=difference_digits(pair),
        signed=True,
        interval=words.between(floor.interval),
        n_ok=floor.n_ok,
        n_planned=floor.n_planned,
    )


def over_examples(pair: PairView) -> list[tuple[Cell, ...]]:
    """The difference with the interval that covers the test examples, too, where it is known."""
    found, words = pair.judgement.over_examples, pair.words
    if found is None:
        return []
    value = Value(
        words.scaled(found.mean),
        unit=words.difference_unit,
        digits=difference_digits(pair),
        signed=True,
        interval=words.between(found.interval),
        n_ok=found.n_repetitions,
        n_planned=pair.judgement.tally.n_planned,
    )
    name = f"mean difference on other examples [{pair.confidence} interval]"
    told = f"over repetitions and {found.n_examples:,} test examples, taken as independent"
    return [(name, value, told)]
