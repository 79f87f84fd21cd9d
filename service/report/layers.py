"""From a model's graph to the boxes of a drawing: chains become boxes, repetitions are folded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from service.contracts.structure import Call, Structure
from service.report.numbers import TIMES


@dataclass(frozen=True)
class Line:
    """One layer of a box: its kind, its settings, its output's shape, its weights.

    Attributes:
        kind, told, shape, weights: texts.
        output: whether it is an output of the model, then its name.
    """

    kind: str
    told: str
    shape: str
    weights: str
    output: str = ""


@dataclass(frozen=True)
class Fold:
    """Lines or boxes that come several times and are drawn once: from, how many, how often."""

    start: int
    length: int
    times: int


@dataclass(frozen=True)
class Box:
    """A chain of layers.

    Attributes:
        lines: the layers in order.
        reads: positions of the boxes it reads.
        title: the nested model that it is a call of, if any.
        source: the input's name, for an input.
        shared: whether its weights were drawn before.
        folds: repetitions within its lines.
    """

    lines: tuple[Line, ...]
    reads: tuple[int, ...]
    title: str = ""
    source: str = ""
    shared: bool = False
    folds: tuple[Fold, ...] = ()


@dataclass(frozen=True)
class Boxes:
    """All boxes of a drawing, each after those it reads, and the groups drawn once."""

    boxes: tuple[Box, ...]
    folds: tuple[Fold, ...]


def boxes(structure: Structure) -> Boxes:
    """Join chains into boxes and fold what repeats.

    Args:
        structure: a model's graph.

    Returns:
        What is to be drawn.
    """
    readers: dict[int, list[int]] = {i: [] for i in range(len(structure.calls))}
    for here, call in enumerate(structure.calls):
        for place in call.inputs:
            readers[place].append(here)
    for place in structure.outputs:
        readers[place].append(-1)
    home: list[int] = []
    groups: list[list[int]] = []
    for here, call in enumerate(structure.calls):
        before = call.inputs[0] if len(call.inputs) == 1 else None
        if (
            before is not None
            and structure.calls[before].kind != "InputLayer"
            and readers[before] == [here]
            and _scope(structure.calls[before]) == _scope(call)
        ):
            home.append(home[before])
            groups[home[before]].append(here)
        else:
            home.append(len(groups))
            groups.append([here])
    made = [_box(structure, group, home) for group in groups]
    return _folded(made)


def _scope(call: Call) -> tuple[str, int]:
    """Which call of which nested model a call belongs to."""
    scope = call.layer.rpartition("/")[0]
    return scope, call.turn if scope else 0


def _box(structure: Structure, group: Sequence[int], home: Sequence[int]) -> Box:
    first = structure.calls[group[0]]
    lines = tuple(_line(structure, place) for place in group)
    scope, turn = _scope(first)
    again = first.turn > 0
    reads = tuple(home[place] for place in first.inputs)
    if first.kind == "InputLayer":
        return Box(lines, (), source=first.layer)
    if again:
        lines = tuple(replace(line, weights="shared") if line.weights else line for line in lines)
    short, folds = _folded_lines(lines)
    title = scope
    if again:
        title = f"{scope or first.layer}, call {turn + 1 if scope else first.turn + 1}"
    return Box(short, reads, title=title, shared=again, folds=folds)


def _line(structure: Structure, place: int) -> Line:
    call = structure.calls[place]
    sizes = call.shapes[0] if call.shapes else ()
    return Line(
        kind=call.kind,
        told=call.told,
        shape=TIMES.join("any" if size is None else f"{size:,}" for size in sizes) or "scalar",
        weights=f"{call.parameters:,}" if call.parameters else "",
        output=call.layer.rpartition("/")[2] if place in structure.outputs else "",
    )


def repeat(items: Sequence[object], least: int) -> Fold | None:
    """The repetition that saves most: a run of equal neighbours of some length.

    Args:
        items: compared by equality.
        least: a repetition must save at least this many items.

    Returns:
        Where it starts, its length and how often it comes; None where nothing repeats.
    """
    best, saved = None, least - 1
    for length in range(1, len(items) // 2 + 1):
        start = 0
        while start + 2 * length <= len(items):
            times = 1
            while (
                items[start : start + length]
                == items[start + times * length : start + (times + 1) * length]
            ):
                times += 1
            if length * (times - 1) > saved:
                best, saved = Fold(start, length, times), length * (times - 1)
            start += 1
    return best


def _folded_lines(lines: tuple[Line, ...]) -> tuple[tuple[Line, ...], tuple[Fold, ...]]:
    fold = repeat(lines, least=3)
    if fold is None:
        return lines, ()
    before, earlier = _folded_lines(lines[: fold.start])
    kept = lines[fold.start : fold.start + fold.length]
    after, later = _folded_lines(lines[fold.start + fold.length * fold.times :])
    here = replace(fold, start=len(before))
    moved = tuple(replace(one, start=one.start + len(before) + len(kept)) for one in later)
    return (*before, *kept, *after), (*earlier, here, *moved)


def _folded(made: list[Box]) -> Boxes:
    """Draw a group of boxes once that comes several times, each reading the one before alike."""
    alike = [
        (box.lines, tuple(here - place for place in box.reads)) for here, box in enumerate(made)
    ]
    fold = repeat(alike, least=4)
    if fold is None:
        return Boxes(tuple(made), ())
    start, length, end = fold.start, fold.length, fold.start + fold.length * fold.times
    last = end - length

    def moved(place: int) -> int:
        if place < start + length:
            return place
        return place - last + start if place < end else place - (end - start - length)

    if any(start <= p < last and p >= start for box in made[end:] for p in box.reads):
        return Boxes(tuple(made), ())  # someone outside reads one in the middle
    kept = [*made[: start + length], *made[end:]]
    boxes = tuple(replace(box, reads=tuple(moved(place) for place in box.reads)) for box in kept)
    return Boxes(boxes, (fold,))
