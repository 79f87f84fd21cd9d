"""Figures as SVG files: every kind is drawn whole, and needs nothing outside of itself."""

from __future__ import annotations

import math
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from service.report import ReportInput, plot_svg
from service.report.axis import Axis, span
from service.report.build import figures
from service.report.document import Figure
from service.report.view import look_at
from tests.evidence import synthetic

SVG = "{http://www.w3.org/2000/svg}"
KINDS = {
    "effect-of-the-architecture-against-the-margin-that-matters",
    "every-repetition-paired",
    "learning-curves",
    "training-loss",
    "search-history-best-so-far",
    "quality-against-training-time",
}


@pytest.fixture(scope="module")
def drawn() -> dict[str, Figure]:
    pair = synthetic.pair_plan(variants=("plain <b>", "skip & sum"))
    made = synthetic.experiment(plan=synthetic.make_plan([pair, synthetic.pair_plan("two")]))
    view = look_at(ReportInput(made.plan, made.results))
    return figures(view, view.pairs[0])


def test_every_figure_of_a_pair_is_a_file_of_its_own(drawn: dict[str, Figure]):
    assert set(drawn) == KINDS
    for figure in drawn.values():
        assert plot_svg.drawable(figure)
        text = plot_svg.file(figure)
        root = ElementTree.fromstring(text)
        said = [node.text for node in root.iter(f"{SVG}text")]
        assert figure.title in said
        assert root.get("aria-label") == figure.alt
        assert all(mark not in text for mark in ("@", "href", "url(", "<script", "nan"))
        widest, deepest = float(root.get("width", "")), float(root.get("height", ""))
        for node in root.iter(f"{SVG}circle"):
            assert 0 <= float(node.get("cx", "")) <= widest
            assert 0 <= float(node.get("cy", "")) <= deepest


def test_names_and_units_are_told_as_they_are(drawn: dict[str, Figure]):
    root = ElementTree.fromstring(plot_svg.file(drawn["learning-curves"]))
    said = {node.text for node in root.iter(f"{SVG}text")}
    assert {"plain <b>", "skip & sum", "epoch", "validation accuracy (%)"} <= said


def test_the_variants_differ_in_more_than_colour(drawn: dict[str, Figure]):
    root = ElementTree.fromstring(plot_svg.file(drawn["learning-curves"]))
    dashes = {node.get("stroke-dasharray") for node in root.iter(f"{SVG}path")}
    assert {None, "8 5"} <= dashes
    assert list(root.iter(f"{SVG}circle"))


def test_other_traces_are_not_drawn_in_part(drawn: dict[str, Figure]):
    figure = drawn["training-loss"]
    bars = replace(figure, plot={**figure.plot, "data": [{"type": "bar", "x": [1], "y": [2]}]})
    assert not plot_svg.drawable(bars)


@pytest.mark.parametrize(
    ("values", "log", "told"),
    [
        ([0.0, 1.0], False, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ([-1500.0, 2500.0], False, ["\u22121,000", "0", "1,000", "2,000"]),
        ([3.0], False, ["2.6", "2.8", "3.0", "3.2", "3.4"]),
        ([0.02, 30.0], True, ["0.02", "0.05", "0.1", "0.2", "0.5", "1", "2", "5", "10", "20"]),
        ([0.81, 1.3], True, ["0.8", "0.9", "1.0", "1.1", "1.2", "1.3"]),
        ([1e-3, 1e4], True, ["0.001", "0.01", "0.1", "1", "10", "100", "1000", "10000"]),
    ],
)
def test_ticks_are_round(values: list[float], log: bool, told: list[str]):
    low, high = span(values, log=log, from_zero=False)
    axis = Axis(low, high, 0, 400, log)
    ticks = axis.ticks(64)
    assert [text for _, text in ticks] == told
    places = [axis.place(value) for value, _ in ticks]
    assert places == sorted(places)
    assert places[0] >= 0
    assert places[-1] <= 400
    assert all(math.isfinite(place) for place in places)
