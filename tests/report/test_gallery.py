"""Test examples with both variants' answers: in the page, in the texts, and verified."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from service.contracts.samples import Line, Picture, Sample, Text
from service.contracts.trial import Stage
from service.report import ReportInput, render
from service.report.course import course
from service.report.verify import verify_page
from tests.evidence import synthetic

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsVTk1AAAAABJRU5ErkJggg=="


def kept(answer: str, given: Any) -> tuple[Sample, ...]:
    return tuple(
        Sample(
            place=place,
            given={"image": given},
            truth={"garment": Text(text="Coat")},
            answer={"garment": Text(text=f"{answer} (71%)", right=answer == "Coat")},
        )
        for place in (3, 250)
    )


def report(given: Any, variants: tuple[str, ...]) -> ReportInput:
    made = synthetic.experiment()
    answers = {"sequential": "Shirt", "functional": "Coat"}
    results = [
        row.model_copy(update={"samples": kept(answers[row.spec.variant], given)})
        if row.spec.stage is Stage.RETRAIN
        and (row.spec.repetition, row.spec.number) == (0, 0)
        and row.spec.variant in variants
        else row
        for row in made.results
    ]
    return ReportInput(made.plan, results, {})


BOTH = ("sequential", "functional")


def test_pictures_stand_beside_the_truth_and_both_answers() -> None:
    given = report(Picture(png=DOT, width=1, height=1), BOTH)
    page = render(given, "html")
    assert "2 of 360 test examples, and what was answered" in page
    assert page.count(f'<img src="data:image/png;base64,{DOT}"') == 2
    assert 'alt="given, image of test example 251"' in page
    assert page.count("Shirt (71%)") == page.count("Coat (71%)") == 2
    assert page.count('<span class="hidden">wrong: </span>') == 2
    assert verify_page(page)[1] is None
    other = base64.b64encode(b"another picture").decode()
    _, found = verify_page(page.replace(DOT, other, 1))
    assert found is not None
    assert other[:10] in found.printed
    # Comments and papers get no pictures.
    for name in ("md", "tex"):
        assert "Shirt" not in render(given, name)


@pytest.mark.parametrize("name", ["md", "tex"])
def test_texts_are_a_table_in_other_formats(name: str) -> None:
    text = render(report(Text(text="a warm thing"), BOTH), name)
    assert "a warm thing" in text
    assert "wrong" in text


def test_a_side_without_a_winner_is_told_as_missing() -> None:
    given = report(Line(values=(1.0, 3.0, 2.0)), BOTH[1:])
    page = render(given, "html")
    assert page.count("Coat (71%)") == 2
    assert "Shirt" not in page
    assert 'aria-label="given, image of test example 4: 1 to 3, last 2"' in page


def test_a_line_goes_from_edge_to_edge_its_lowest_value_at_the_bottom() -> None:
    drawn = course(Line(values=(1.0, 3.0, 2.0)))
    assert drawn.points == "4,36 66,4 128,20"
    assert drawn.end == (128.0, 20.0)
    assert course(Line(values=(5.0, 5.0))).points == "4,4 128,4"
