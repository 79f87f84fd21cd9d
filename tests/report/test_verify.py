"""Verification: a fresh report passes, and one changed digit anywhere is found."""

from __future__ import annotations

import base64
import gzip
import json
import re

import pytest

from service.report import ReportInput, render
from service.report.rows import compressed, decompressed
from service.report.verify import verify_json, verify_page
from tests.evidence import synthetic


@pytest.fixture(scope="module")
def given() -> ReportInput:
    made = synthetic.experiment(truth=synthetic.Truth(effect=0.05))
    return ReportInput(made.plan, made.results, {"hardware": {"cores": "2"}, "odd": {"a": (1, 2)}})


@pytest.fixture(scope="module")
def page(given: ReportInput) -> str:
    return render(given, "html")


@pytest.fixture(scope="module")
def document(given: ReportInput) -> str:
    return render(given, "json")


def with_rows(page: str, change) -> str:
    """The page with other rows in it, packed as they should be."""
    found = re.search(r'id="rows">([^<]*)<', page)
    assert found is not None
    carried = json.loads(gzip.decompress(base64.b64decode(found[1])))
    change(carried["columns"])
    packed = base64.b64encode(gzip.compress(json.dumps(carried).encode())).decode()
    return page.replace(found[1], packed)


def bumped(number: float) -> float:
    return float(f"{number:.6f}") + 0.001


def test_fresh_reports_pass_and_carry_the_same_rows(page: str, document: str):
    first, second = verify_page(page), verify_json(document)
    assert first[1] is None
    assert second[1] is None
    assert first[0] == second[0]


def test_a_changed_digit_in_the_page_is_found_with_its_place(page: str):
    number = re.search(r'<span class="num">(\d+\.\d+) %</span>', page)
    assert number is not None
    other = str(round(float(number[1]) + 1, 1))
    changed = page[: number.start(1)] + other + page[number.end(1) :]
    _, found = verify_page(changed)
    assert found is not None
    assert other in found.printed
    assert number[1] in found.recomputed
    assert "Table" in found.where


def test_every_changed_digit_of_a_number_in_the_page_is_found(page: str):
    places = [
        m.start() for m in re.finditer(r"(?<=\d)\d(?=[^<>]*</)", page[: page.index("<script")])
    ]
    for place in places[:: max(1, len(places) // 5)]:
        digit = str((int(page[place]) + 1) % 10)
        assert verify_page(page[:place] + digit + page[place + 1 :])[1] is not None


def test_a_changed_figure_is_found(page: str):
    carried = re.search(r'id="plots">([^<]*)<', page)
    assert carried is not None
    plots = decompressed(carried[1])
    number = re.search(r'"y":\[(-?\d)', plots)
    assert number is not None
    digit = "7" if number[1] != "7" else "8"
    changed = compressed(plots[: number.start(1)] + digit + plots[number.end(1) :])
    _, found = verify_page(page.replace(carried[1], changed))
    assert found is not None
    assert "figure[" in found.where


@pytest.mark.parametrize("key", ["test_score", "score"])
def test_a_changed_row_of_the_page_is_found(page: str, key: str):
    def change(columns):
        place = next(place for place, value in enumerate(columns[key]) if value)
        columns[key][place] = bumped(columns[key][place])

    _, found = verify_page(with_rows(page, change))
    assert found is not None
    assert found.printed != found.recomputed


def test_a_digit_that_no_number_shows_changes_the_fingerprint(page: str):
    def change(columns):
        place = columns["spec"]["stage"].index("search")
        columns["finished_at"][place] = columns["finished_at"][place].replace("2025", "2026")

    _, found = verify_page(with_rows(page, change))
    assert found is not None
    assert "fingerprint" in found.printed
    assert "Recipe" in found.where


def test_damaged_rows_are_told(page: str):
    found = re.search(r'id="rows">([^<]*)<', page)
    assert found is not None
    letter = "A" if page[found.start(1) + 500] != "A" else "B"
    place = found.start(1) + 500
    _, difference = verify_page(page[:place] + letter + page[place + 1 :])
    assert difference is not None
    assert difference.where == "the bundled rows"
    assert verify_page("<html></html>")[1] is not None


def test_changes_of_the_json_are_found(document: str):
    for key in ("mean_difference", "train_seconds", "learning_rate", "loss"):
        number = re.search(rf'"{key}": (?:\[\s*)?(\d+\.\d+)', document)
        assert number is not None
        changed = (
            document[: number.start(1)] + repr(bumped(float(number[1]))) + document[number.end(1) :]
        )
        _, found = verify_json(changed)
        assert found is not None, key
    assert verify_json("{}")[1] is not None
    assert verify_json("no JSON")[1] is not None
