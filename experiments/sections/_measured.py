"""What was measured of each pair, for the guide's rows and claims."""

from __future__ import annotations

import math
from dataclasses import dataclass

from service.contracts.structure import Fault
from service.contracts.trial import Stage
from service.evidence.boilerplate import Boilerplate, boilerplate
from service.evidence.records import Cost
from service.evidence.spending import costs
from service.evidence.wiring import Wiring, wiring
from service.report.view import PairView, View
from service.stats.paired import t_interval


@dataclass(frozen=True)
class Side:
    """One variant of a pair.

    Attributes:
        variant: its name.
        wiring: of its built model; None where no winner was retrained.
        sequential: whether the model was built with `keras.Sequential`.
        fault: the answer to the planted mistake.
        code: of its builder.
    """

    variant: str
    wiring: Wiring | None
    sequential: bool
    fault: Fault | None
    code: Boilerplate | None


@dataclass(frozen=True)
class Measured:
    """One pair.

    Attributes:
        pair: the pair.
        reference, challenger: its variants.
        control: time and latency of the control relative to the reference's first retrained
            winner, which ends with the same weights.
        identical: repetitions in which the two ended with the same weights.
        compared: repetitions in which both ended.
    """

    pair: PairView
    reference: Side
    challenger: Side
    control: tuple[Cost, ...]
    identical: int
    compared: int


def measured(view: View) -> list[Measured]:
    """Measure every pair of a report."""
    return [_measured(pair) for pair in view.pairs]


def _measured(pair: PairView) -> Measured:
    reference, challenger = (_side(pair, place) for place in (0, 1))
    rows = [row for row in pair.results if row.ok]
    first = [
        row
        for row in rows
        if row.spec.stage is Stage.RETRAIN
        and row.spec.number == 0
        and row.spec.variant == pair.plan.variants[0]
    ]
    controls = [row for row in rows if row.spec.stage is Stage.CONTROL]
    known = [r.control for r in pair.judgement.tally.repetitions if r.control is not None]
    n_planned = pair.judgement.tally.n_planned
    timed = tuple(
        cost
        for cost in costs(first, controls, n_planned)
        if cost.name in ("training time", "latency")
    )
    return Measured(pair, reference, challenger, timed, sum(known), len(known))


def _side(pair: PairView, place: int) -> Side:
    variant, row = pair.plan.variants[place], pair.structures[place]
    found = None if row is None else row.structure
    fault = next(
        (
            row.structure.fault
            for row in pair.results
            if row.spec.variant == variant and row.structure and row.structure.fault
        ),
        None,
    )
    text = pair.builders.get(variant)
    return Side(
        variant=variant,
        wiring=None if found is None else wiring(found),
        sequential=found is not None and found.sequential,
        fault=fault,
        code=None if text is None else boilerplate(text),
    )


def slowdown(found: list[Measured]) -> tuple[float, tuple[float, float] | None, int] | None:
    """How much longer the same network trains when it was built with the Functional API.

    Args:
        found: every pair.

    Returns:
        The ratio, its 95% interval and how many pairs are behind it: of one pair the mean over
        repetitions, of several the geometric mean over pairs. None where nothing was timed.
    """
    timed = [one.control[0] for one in found if one.control[0].ratio is not None]
    if not timed:
        return None
    if len(timed) == 1:
        return timed[0].ratio or 1.0, timed[0].interval, 1
    logs = [math.log(cost.ratio) for cost in timed if cost.ratio]
    between = t_interval(logs, 0.05).interval
    interval = None if between is None else (math.exp(between[0]), math.exp(between[1]))
    return math.exp(math.fsum(logs) / len(logs)), interval, len(logs)
