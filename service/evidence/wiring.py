"""How a model is wired, read off its graph: whether it is a chain, and what makes it none."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from service.contracts.structure import Structure


@dataclass(frozen=True)
class Wiring:
    """What the graph of one model shows.

    Attributes:
        calls: calls of layers, inputs not counted.
        inputs, outputs: of the model.
        merges: calls that read more than one tensor.
        forks: tensors with more than one reader.
        skips: edges that lead past at least one layer between the same two calls.
        shared: layers called more than once.
        several: layers of whose output tensors more than one is read.
        widest: the most calls that no path orders, by their longest distance from the inputs.
    """

    calls: int
    inputs: int
    outputs: int
    merges: int
    forks: int
    skips: int
    shared: int
    several: int
    widest: int

    @property
    def obstacles(self) -> tuple[str, ...]:
        """What a straight stack cannot express, in words; empty for a chain.

        A `keras.Sequential` hands the one output of each layer to the next layer alone, from one
        input to one output. A graph with any of these is not of that form.
        """
        found = (
            (self.inputs > 1, f"{self.inputs} inputs"),
            (self.outputs > 1, f"{self.outputs} outputs"),
            (self.merges > 0, _counted(self.merges, "layer that reads", "layers that read", "several tensors")),
            (self.forks > 0, _counted(self.forks, "tensor with", "tensors with", "several readers")),
            (self.shared > 0, _counted(self.shared, "layer", "layers", "called more than once")),
            (self.several > 0, _counted(self.several, "layer", "layers", "with several outputs in use")),
        )  # fmt: skip
        return tuple(text for there, text in found if there)

    @property
    def is_chain(self) -> bool:
        """Whether a straight stack of the same layers computes the same."""
        return not self.obstacles


def _counted(count: int, one: str, many: str, rest: str) -> str:
    return f"{count} {one if count == 1 else many} {rest}"


def wiring(structure: Structure) -> Wiring:
    """Read the wiring off a model's graph.

    Args:
        structure: every call of a layer, each after those it reads.

    Returns:
        Counts; a call that reads one tensor twice reads several.
    """
    readers: dict[tuple[int, int], set[int]] = defaultdict(set)
    outside = len(structure.calls)  # the model's own output is a reader too
    depth: list[int] = []
    for here, call in enumerate(structure.calls):
        depth.append(max((depth[place] for place in call.inputs), default=-1) + 1)
        for place, tensor in zip(call.inputs, call.tensors, strict=True):
            readers[place, tensor].add(here)
    for number, place in enumerate(structure.outputs):
        readers[place, 0].add(outside + number)
    edges = {(place, here) for here, call in enumerate(structure.calls) for place in call.inputs}
    turns = Counter(call.layer for call in structure.calls)
    in_use = Counter(place for place, _ in readers)
    ranks = Counter(depth[i] for i, call in enumerate(structure.calls) if call.inputs)
    return Wiring(
        calls=len(structure.calls) - len(structure.inputs),
        inputs=len(structure.inputs),
        outputs=len(structure.outputs),
        merges=sum(len(call.inputs) > 1 for call in structure.calls),
        forks=sum(len(who) > 1 for who in readers.values()),
        skips=sum(_detour(structure, depth, start, end) for start, end in edges),
        shared=sum(count > 1 for count in turns.values()),
        several=sum(count > 1 for count in in_use.values()),
        widest=max(ranks.values(), default=0),
    )


def _detour(structure: Structure, depth: list[int], start: int, end: int) -> bool:
    """Whether a longer way leads from `start` to `end`, beside the edge between them."""
    waiting = [place for place in structure.calls[end].inputs if place != start]
    seen: set[int] = set()
    while waiting:
        here = waiting.pop()
        if here == start:
            return True
        if here in seen or depth[here] <= depth[start]:
            continue
        seen.add(here)
        waiting += structure.calls[here].inputs
    return False
