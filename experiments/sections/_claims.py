"""The guide's rows and claims, each with what was measured and whether it holds.

Nothing here knows an answer: each is computed from what `_measured` found.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from experiments.sections._measured import Measured, slowdown
from service.evidence.wiring import Wiring
from service.report.document import Mark
from service.report.numbers import TIMES, number

HOLDS = Mark("holds", "good")
FAILS = Mark("does not hold", "bad")
PARTLY = Mark("in part", "warning")
UNTESTED = Mark("not tested here", "open")
UNSHOWN = Mark("not shown here", "open")
UNDECIDED = Mark("not decided", "open")
UNMEASURED = Mark("not measured", "open")

MATTERS = 1.1
"""A training that takes up to this much longer is not called slower."""


@dataclass(frozen=True)
class Row:
    """A row of the guide's table: what it says of each, what was measured, whether it holds."""

    about: str
    sequential: str
    functional: str
    measured: str
    result: Mark


def rows(found: list[Measured]) -> list[Row]:
    """The guide's comparison table.

    Args:
        found: every pair of the report.

    Returns:
        Its rows in the guide's order.
    """
    return [
        _structure(found),
        _can(found, "inputs", "one", "one or several", lambda w: w.inputs > 1, "several inputs"),
        _can(found, "outputs", "one", "one or several", lambda w: w.outputs > 1, "several outputs"),
        _can(found, "layer sharing", "no", "yes", lambda w: w.shared > 0, "layers called again"),
        _can(found, "skip connections", "no", "yes", lambda w: w.skips > 0, "edges past layers"),
        _can(
            found, "branching", "no", "yes", lambda w: w.forks > 0, "tensors with several readers"
        ),
        _best_for(found),
        Row(
            "learning curve",
            "gentle",
            "steeper",
            "How long people take to learn an API needs people; no training tells it.",
            UNMEASURED,
        ),
        _boilerplate(found),
        _debugging(found),
        _visualising(found),
    ]


def claims(found: list[Measured]) -> list[tuple[str, str, Mark]]:
    """The guide's claims.

    Args:
        found: every pair of the report.

    Returns:
        For each the claim, what was measured, and whether it holds.
    """
    return [_slower(found), _everything(found), _architecture(found)]


def _wirings(found: list[Measured]) -> tuple[list[Wiring], list[Wiring]]:
    """Of the references built with `keras.Sequential`, and of the challengers."""
    first = [m.reference.wiring for m in found if m.reference.wiring and m.reference.sequential]
    return first, [m.challenger.wiring for m in found if m.challenger.wiring]


def _structure(found: list[Measured]) -> Row:
    stacks, graphs = _wirings(found)
    straight = sum(w.is_chain for w in stacks)
    bent = sum(not w.is_chain for w in graphs)
    told = (
        f"{straight} of {len(stacks)} models built with Sequential are chains; {bent} of "
        f"{len(graphs)} challengers are not"
    )
    result = UNTESTED
    if stacks and graphs:
        result = FAILS if straight < len(stacks) else HOLDS if bent else UNTESTED
    return Row("structure", "a linear stack", "any acyclic graph", told, result)


def _can(
    found: list[Measured],
    about: str,
    sequential: str,
    functional: str,
    has: Callable[[Wiring], bool],
    what: str,
) -> Row:
    """A row on what a Sequential cannot have: none may have it, and some graph should."""
    stacks, graphs = _wirings(found)
    with_it, beyond = sum(map(has, graphs)), sum(map(has, stacks))
    told = f"{what}: {with_it} of {len(graphs)} challengers, {beyond} of {len(stacks)} Sequentials"
    result = FAILS if beyond else HOLDS if with_it and stacks else UNTESTED
    return Row(about, sequential, functional, told, result)


def _best_for(found: list[Measured]) -> Row:
    graphs = [m for m in found if m.challenger.wiring and not m.challenger.wiring.is_chain]
    labels = Counter(m.pair.label[0] for m in graphs)
    told = ", ".join(f"{label} {count}" for label, count in labels.most_common())
    won = sum(m.pair.label[0] == f"{m.challenger.variant} better" for m in graphs)
    open_ = ("invalid", "inconclusive", "no verdict yet")
    decided = sum(count for label, count in labels.items() if label not in open_)
    result = UNTESTED if not decided else HOLDS if won == decided else PARTLY if won else UNSHOWN
    return Row(
        "best for",
        "simple tasks",
        "tasks that gain from a graph",
        f"verdicts where the challenger is no chain: {told or 'none'}; a graph was worth it where "
        "its variant is better",
        result,
    )


def _boilerplate(found: list[Measured]) -> Row:
    both = [(m.reference.code, m.challenger.code) for m in found]
    ratios = [b.tokens / a.tokens for a, b in both if a and b and a.tokens]
    longer = sum(ratio > 1 for ratio in ratios)
    told, result = "the builders' code was not recorded", UNMEASURED
    if ratios:
        mean = math.exp(math.fsum(map(math.log, ratios)) / len(ratios))
        told = (
            f"the challenger's builder takes more tokens in {longer} of {len(ratios)} pairs, "
            f"{TIMES}{number(mean, 2)} on average"
        )
        result = HOLDS if longer == len(ratios) else PARTLY if longer else FAILS
    return Row("boilerplate", "less", "more", told, result)


def _debugging(found: list[Measured]) -> Row:
    faults = [(m.reference.fault, m.challenger.fault) for m in found]
    both = [(a, b) for a, b in faults if a is not None and b is not None]
    first, second = sum(a.named for a, _ in both), sum(b.named for _, b in both)
    told, result = "no mistake was planted in both variants of a pair", UNMEASURED
    if both:
        told = (
            "a planted shape mistake: the message names the layer in "
            f"{first} of {len(both)} references and {second} of {len(both)} challengers"
        )
        result = HOLDS if second < first else FAILS
    return Row("debugging", "easier", "harder", told, result)


def _visualising(found: list[Measured]) -> Row:
    stacks, graphs = _wirings(found)
    widest = max((w.widest for w in graphs), default=0)
    told = (
        f"all drawn from the built models; most layers next to each other: 1 in {len(stacks)} "
        f"Sequentials, {widest} in {len(graphs)} challengers"
    )
    narrow = all(w.widest <= 1 for w in stacks)
    result = UNTESTED if not stacks or not graphs else HOLDS if narrow else PARTLY
    return Row("visualising", "easy", "possible, wider", told, result)


def _slower(found: list[Measured]) -> tuple[str, str, Mark]:
    claim = "Functional is slower"
    known = slowdown(found)
    if known is None:
        return claim, "no control was timed beside its reference", UNMEASURED
    ratio, interval, pairs = known
    told = (
        "the same layers with the same weights, built with the Functional API, take "
        f"{number(ratio, 3)} times the training time"
    )
    if interval is None:
        return claim, f"{told}; too few repetitions for an interval", UNTESTED
    told += f" (95% interval {number(interval[0], 3)} to {number(interval[1], 3)}"
    told += f", over {pairs} pairs)" if pairs > 1 else ", over repetitions)"
    if interval[0] > 1:
        return claim, told, HOLDS if interval[1] > MATTERS else FAILS
    return claim, told, FAILS if interval[1] <= MATTERS else UNDECIDED


def _everything(found: list[Measured]) -> tuple[str, str, Mark]:
    claim = "Sequential can do everything"
    _, graphs = _wirings(found)
    without = [w for w in graphs if not w.is_chain]
    if not graphs:
        return claim, "no challenger's graph was recorded", UNMEASURED
    told = f"{len(without)} of {len(graphs)} challengers have no equal as a straight stack"
    if len(graphs) == 1 and without:
        told += f": {', '.join(without[0].obstacles)}"
    return claim, told, FAILS if without else UNTESTED


def _architecture(found: list[Measured]) -> tuple[str, str, Mark]:
    claim = "The difference is the architecture, not the API"
    same, compared = sum(m.identical for m in found), sum(m.compared for m in found)
    if not compared:
        return claim, "no control could be compared with its reference", UNMEASURED
    told = (
        "the reference rebuilt through the Functional API ended with the same weights, bit for "
        f"bit, in {same} of {compared} repetitions"
    )
    return claim, told, HOLDS if same == compared else FAILS
