"""The guide, measured: each row of its comparison table and each claim, and whether it holds."""

from __future__ import annotations

from experiments.sections._claims import claims, rows
from experiments.sections._measured import Measured, Side, measured
from service.report.document import Block, Cell, Column, Mark, Section, Table, Text, Value
from service.report.view import View

PLACE = 50


def section(view: View) -> Section | None:
    """What the well-known guide says, held against this experiment."""
    found = measured(view)
    blocks: list[Block] = [
        Text(
            "Guides to the two ways of building a Keras model compare them row by row and make "
            "claims. Here each is held against what this experiment recorded: the built graphs, "
            "the builders' code, a planted mistake, the control and the verdicts. A result is "
            "about these pairs; what they cannot tell is called so."
        ),
        Table(
            "The guide's comparison, row by row",
            (Column("about"), Column("here", "status"), Column("Sequential"), Column("Functional"),
             Column("measured")),
            tuple((r.about, r.result, r.sequential, r.functional, r.measured) for r in rows(found)),
        ),
        Table(
            "The guide's claims",
            (Column("claim"), Column("here", "status"), Column("measured")),
            tuple((claim, result, told) for claim, told, result in claims(found)),
        ),
        _structures(found),
        _speed(found),
        _code(found),
        _faults(found),
    ]  # fmt: skip
    return Section("guide", "The guide, measured", tuple(blocks))


def _name(found: list[Measured], one: Measured, side: Side | None = None) -> str:
    about = one.pair.plan.title if len(found) > 1 else ""
    return ", ".join(part for part in (about, side.variant if side else "") if part) or "this pair"


def _sides(found: list[Measured]) -> list[tuple[Measured, Side]]:
    return [(one, side) for one in found for side in (one.reference, one.challenger)]


def _structures(found: list[Measured]) -> Table:
    table: list[tuple[Cell, ...]] = []
    for one, side in _sides(found):
        wired = side.wiring
        if wired is None:
            table.append((_name(found, one, side), *[None] * 7, "no winner was retrained"))
            continue
        counts = (
            wired.calls, wired.inputs, wired.outputs, wired.merges, wired.forks, wired.skips,
            wired.shared,
        )  # fmt: skip
        table.append(
            (
                _name(found, one, side),
                *(Value(count, unit="count") for count in counts),
                ", ".join(wired.obstacles) or "nothing: it is a chain",
            )
        )
    names = ("layer calls", "inputs", "outputs", "merges", "forks", "skips", "shared")
    return Table(
        "How the models are wired",
        (Column("model"), *(Column(name, "number") for name in names),
         Column("what a straight stack cannot express")),
        tuple(table),
        "Read off the built models. A Sequential hands the one output of each layer to the next "
        "layer alone, so a graph with a merge (a layer that reads several tensors), a fork (a "
        "tensor with several readers), a shared layer, or several inputs or outputs is none. "
        "Skips are edges that lead past layers.",
        folded=len(found) > 1,
    )  # fmt: skip


def _speed(found: list[Measured]) -> Table:
    table: list[tuple[Cell, ...]] = []
    for one in found:
        ratios = [
            Value(
                cost.ratio,
                unit="ratio",
                interval=cost.interval,
                n_ok=min(cost.n_ok),
                n_planned=cost.n_planned,
                rows=one.pair.rows(number=0),
            )
            for cost in one.control
        ]
        same = Value(one.identical, "count", n_ok=one.compared, n_planned=one.control[0].n_planned)
        table.append((_name(found, one), *ratios, same))
    return Table(
        "One network, two APIs: the control against the reference",
        (Column("pair"), Column("training time", "number"), Column("latency", "number"),
         Column("same weights", "number")),
        tuple(table),
        "The control is the reference rebuilt through the Functional API, trained from the same "
        "seeds. Ratios are control to reference: geometric means over repetitions with 95% "
        "intervals. n/N counts repetitions in which both ended.",
        folded=len(found) > 1,
    )  # fmt: skip


def _code(found: list[Measured]) -> Table:
    table: list[tuple[Cell, ...]] = []
    for one, side in _sides(found):
        code = side.code
        counts = (code.lines, code.tokens, code.named) if code else (None, None, None)
        table.append((_name(found, one, side), *(Value(count, unit="count") for count in counts)))
    return Table(
        "What the builders take to write",
        (Column("builder"), Column("lines", "number"), Column("tokens", "number"),
         Column("named tensors", "number")),
        tuple(table),
        "Of the recorded code, with what a builder uses of its own file; comments, docstrings and "
        "blank lines are not counted.",
        folded=len(found) > 1,
    )  # fmt: skip


def _faults(found: list[Measured]) -> Table:
    table: list[tuple[Cell, ...]] = []
    for one, side in _sides(found):
        fault = side.fault
        if fault is None:
            table.append((_name(found, one, side), None, None, "no mistake was planted"))
            continue
        named = Mark("yes", "good") if fault.named else Mark("no", "bad")
        table.append((_name(found, one, side), fault.layer, named, fault.message))
    return Table(
        "A planted mistake: what Keras says",
        (Column("model"), Column("layer"), Column("named", "status"), Column("message")),
        tuple(table),
        "The last layer with weights was built for inputs one larger than it gets, and the model "
        "was built anew around it.",
        folded=True,
    )
