"""Drawings: wiring read off graphs, folding, and that nothing overlaps."""

from __future__ import annotations

from itertools import pairwise

import pytest

from service.contracts.structure import Call, Structure
from service.evidence.wiring import wiring
from service.report.arrange import arrange
from service.report.drawing import standalone, svg, told
from service.report.layers import boxes, repeat
from service.report.numbers import TIMES


def call(name: str, kind: str, *inputs: int, turn: int = 0, parameters: int = 0) -> Call:
    return Call(
        layer=name, kind=kind, inputs=inputs, tensors=(0,) * len(inputs), shapes=((4,),),
        parameters=parameters, turn=turn,
    )  # fmt: skip


def chain(length: int) -> Structure:
    calls = [call("x", "InputLayer")]
    calls += [call(f"d{i}", "Dense", i, parameters=20 + i) for i in range(length)]
    return Structure(calls=tuple(calls), inputs=(0,), outputs=(length,), sequential=True)


def residual(blocks: int) -> Structure:
    calls = [call("x", "InputLayer"), call("stem", "Dense", 0)]
    for i in range(blocks):
        last = len(calls) - 1
        calls += [call(f"d{i}", "Dense", last, parameters=20), call(f"a{i}", "Add", last, last + 1)]
    return Structure(
        calls=tuple(calls), inputs=(0,), outputs=(len(calls) - 1,), sequential=False
    )  # fmt: skip


def siamese() -> Structure:
    calls = (
        call("first", "InputLayer"),
        call("second", "InputLayer"),
        call("tower/dense", "Dense", 0, parameters=20),
        call("tower/dense", "Dense", 1, turn=1, parameters=20),
        call("difference", "Subtract", 2, 3),
    )
    return Structure(calls=calls, inputs=(0, 1), outputs=(4,), sequential=False)


def test_a_chain_has_no_obstacle():
    found = wiring(chain(5))
    assert found.is_chain
    assert (found.calls, found.merges, found.forks, found.skips) == (5, 0, 0, 0)
    assert told(chain(5), "stack") == "stack: 5 layer calls, a chain"


def test_skips_forks_and_merges_are_counted():
    found = wiring(residual(3))
    assert (found.merges, found.forks, found.skips, found.shared) == (3, 3, 3, 0)
    assert not found.is_chain
    assert "3 layers that read several tensors" in found.obstacles


def test_shared_layers_and_inputs_are_counted():
    found = wiring(siamese())
    assert (found.inputs, found.shared, found.merges, found.widest) == (2, 1, 1, 2)
    assert "1 layer called more than once" in found.obstacles


def test_an_output_that_is_read_again_is_a_fork():
    both = chain(3).model_copy(update={"outputs": (2, 3)})
    assert wiring(both).forks == 1
    assert wiring(both).outputs == 2


def test_a_tensor_read_twice_by_one_layer_is_a_merge():
    twice = Structure(
        calls=(call("x", "InputLayer"), call("square", "Multiply", 0, 0)),
        inputs=(0,), outputs=(1,), sequential=False,
    )  # fmt: skip
    assert wiring(twice).merges == 1
    assert not wiring(twice).is_chain


@pytest.mark.parametrize(
    ("items", "expected"),
    [("abcabcabc", (0, 3, 3)), ("xababab", (1, 2, 3)), ("abcd", None), ("aab", None)],
)
def test_repetitions_are_found(items, expected):
    fold = repeat(items, least=3)
    assert (fold and (fold.start, fold.length, fold.times)) == expected


def test_blocks_that_repeat_are_drawn_once():
    shown = boxes(residual(9))
    (fold,) = shown.folds
    assert fold.times >= 7
    assert len(shown.boxes) < 8
    assert all(place < here for here, box in enumerate(shown.boxes) for place in box.reads)
    assert f"{TIMES}{fold.times}" in svg(residual(9), "net", "a net")


@pytest.mark.parametrize("structure", [chain(4), residual(2), siamese()])
def test_boxes_do_not_overlap_and_edges_run_down(structure):
    shown = boxes(structure)
    sizes = [(100.0 + 10 * i, 40.0) for i in range(len(shown.boxes))]
    found = arrange(sizes, [box.reads for box in shown.boxes])
    rows: dict[float, list[tuple[float, float]]] = {}
    for (left, top), (width, _) in zip(found.places, sizes, strict=True):
        rows.setdefault(top, []).append((left, left + width))
        assert left >= -1e-9
        assert left + width <= found.width + 1e-9
    for spans in rows.values():
        assert all(a[1] < b[0] for a, b in pairwise(sorted(spans)))
    for edge in found.edges:
        assert all(b[1] >= a[1] for a, b in pairwise(edge.points))


def test_names_are_escaped():
    evil = Structure(
        calls=(call("<script>", "InputLayer"), call("b", "<i>", 0)),
        inputs=(0,), outputs=(1,), sequential=True,
    )  # fmt: skip
    text = svg(evil, "net", 'a "label" <b>')
    assert "<script>" not in text
    assert "<i>" not in text
    assert "<b>" not in text


def test_a_drawing_of_its_own_is_well_formed():
    from xml.etree import ElementTree

    root = ElementTree.fromstring(standalone(siamese(), "functional"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(root.findall(".//{http://www.w3.org/2000/svg}rect")) >= 5
