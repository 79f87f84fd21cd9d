"""The small parts of a report: numbers, strips, tables."""

from __future__ import annotations

import pytest

from service.report.document import Column, Strip, Table, Value
from service.report.markdown import escape
from service.report.numbers import amount, counted, decimals, number, quantity, show
from service.report.text import strip


@pytest.mark.parametrize(
    ("value", "digits", "expected"),
    [
        (None, None, "\u2013"),
        (0.0, None, "0"),
        (-0.0214, None, "\u22120.0214"),
        (12400.0, 0, "12,400"),
        (3.14159, 2, "3.14"),
        (-0.0001, 0, "0"),
        (0.0004, 2, "4.0e-04"),
        (123456.7, None, "123,457"),
    ],
)
def test_numbers(value, digits, expected):
    assert number(value, digits) == expected


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.00042, "s", "420 µs"),
        (0.0421, "s", "42.1 ms"),
        (61.0, "s", "61.0 s"),
        (600.0, "s", "10.0 min"),
        (412_000_000, "B", "412 MB"),
        (24_000, "si", "24.0 k"),
        (900, "B", "900 B"),
        (11_950, "count", "11,950"),
        (1.3512, "ratio", "\u00d71.35"),
        (91.23, "%", "91.2 %"),
        (None, "s", "\u2013"),
    ],
)
def test_quantities(value, unit, expected):
    assert quantity(value, unit) == expected


def test_decimals_follow_the_uncertainty():
    assert [decimals(w) for w in (40.0, 2.4, 0.24, 0.024, 0.0)] == [0, 1, 2, 3, 2]


def test_a_chosen_number_is_told_as_chosen():
    assert amount(1.0, "points") == "1 point"
    assert amount(0.5, "kW") == "0.5 kW"
    assert amount(0.002, "") == "0.002"


def test_a_value_shows_its_interval_and_its_count():
    cell = Value(3.21, "points", 1, True, (-0.8, 5.7), 9, 10)
    assert show(cell, Column("difference", "number")) == "+3.2 points [\u22120.8, +5.7]"
    assert counted(cell) == "9/10"
    assert counted(Value(1.0)) == ""


def test_a_row_must_fit_its_columns():
    with pytest.raises(ValueError, match="2 cells in 1 columns"):
        Table("short", (Column("one"),), (("a", "b"),))


def test_a_strip_draws_its_parts_where_they_are():
    shown = Strip(2.0, (1.0, 3.0), None, 0.5, "points", "sequential better", "functional better")
    assert shown.place(0.0) == 0.5
    drawing, ends = strip(shown)
    assert len(drawing) <= 80
    assert drawing.index("|") < drawing.index("[") < drawing.index("*") < drawing.index("]")
    assert drawing.count(".") > 4
    assert ends.startswith("<- sequential better")
    assert "margin 0.5 points" in ends
    mirrored = Strip(-2.0, (-3.0, -1.0), None, 0.5, "points", "a", "b")
    assert strip(mirrored)[0].index("*") < strip(mirrored)[0].index("|")


def test_a_strip_without_any_width_is_still_drawn():
    flat = Strip(0.0, None, None, 0.0, "", "a", "b")
    assert "*" in strip(flat)[0]


def test_markdown_is_escaped():
    assert escape("a|b `c` <d> @e\nf") == "a\\|b \\`c\\` &lt;d&gt; @\u2060e f"
