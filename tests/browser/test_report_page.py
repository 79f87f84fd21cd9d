"""The report in a real browser: it draws, asks nothing of any network, and is accessible."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from service.catalog.sections import sections
from service.contracts.samples import Line, Picture, Sample, Text
from service.contracts.structure import Call, Structure
from service.contracts.trial import Stage
from service.report import ReportInput, render
from tests.evidence import synthetic

SCREENS = {"wide": (1280, 900), "phone": (390, 844)}
DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsVTk1AAAAABJRU5ErkJggg=="
BUILDER = "def build(hyperparameters):\n    return Sequential([Dense(3)])  # a stack\n"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of two pairs with drawings, code and test examples."""
    calls = (
        Call(layer="x", kind="InputLayer", shapes=((4,),)),
        Call(layer="a", kind="Dense", inputs=(0,), tensors=(0,), shapes=((4,),), parameters=20),
        Call(layer="b", kind="Add", inputs=(0, 1), tensors=(0, 0), shapes=((4,),)),
    )
    graph = Structure(calls=calls, inputs=(0,), outputs=(2,), sequential=False)
    pairs = [synthetic.pair_plan("one", title="One"), synthetic.pair_plan("two", title="Two")]
    made = synthetic.experiment(plan=synthetic.make_plan(pairs))
    shown = Sample(
        place=4,
        given={"x": Picture(png=DOT, width=1, height=1), "course": Line(values=(1.0, 3.0, 2.0))},
        truth={"y": Text(text="Coat")},
        answer={"y": Text(text="Shirt (71%)", right=False)},
    )
    results = [
        row.model_copy(update={"structure": graph, "samples": (shown,)})
        if row.spec.stage is Stage.RETRAIN and row.spec.number == 0
        else row
        for row in made.results
    ]
    builders = {pair.name: dict.fromkeys(pair.variants, BUILDER) for pair in pairs}
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(render(ReportInput(made.plan, results, {"builders": builders}), "html"))
    return file


def settle(browser: Any) -> None:
    """Scroll through the page, so that every figure is drawn."""
    browser.evaluate(
        """new Promise(async (done) => {
          const wait = (ms) => new Promise((go) => setTimeout(go, ms));
          while (document.querySelector('[data-plot]') && !window.Plotly) await wait(20);
          for (const box of document.querySelectorAll('[data-plot]')) {
            box.scrollIntoView({behavior: 'instant'});
            while (!box.querySelector('svg')) await wait(20);
          }
          window.scrollTo(0, 0);
          done();
        })"""
    )


@pytest.mark.parametrize(("screen", "dark"), [("wide", False), ("phone", True)])
def test_it_draws_everything_and_asks_nothing(browser: Any, page: Path, screen: str, dark: bool):
    browser.look(*SCREENS[screen], dark=dark)
    browser.open(page)
    settle(browser)
    assert browser.complaints == []
    assert browser.requests == []
    named = browser.evaluate("[...document.querySelectorAll('main > section')].map((s) => s.id)")
    assert len(named) == len(sections()) + 1
    assert browser.evaluate("document.querySelectorAll('svg.net').length") == 4
    pictures = "[...document.querySelectorAll('.gallery img')].map((i) => i.naturalWidth)"
    assert browser.evaluate(pictures) == [1, 1]
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert browser.evaluate(wider) <= 0


def test_numbers_lead_to_their_rows(browser: Any, page: Path):
    browser.look(*SCREENS["wide"])
    browser.open(page)
    told = browser.evaluate(
        """new Promise(async (done) => {
          const link = document.querySelector('a.num[data-rows*="stage=retrain"]');
          link.click();
          const status = document.querySelector('#viewer [role=status]');
          while (!status.textContent) await new Promise((go) => setTimeout(go, 20));
          done(link.dataset.rows + " | " + status.textContent);
        })"""
    )
    assert told.startswith("pair=one stage=retrain")
    found = re.search(r"\| ([\d,]+) of ([\d,]+) rows", told)
    assert found is not None
    assert found[1] == "40"
    stages = "[...document.querySelectorAll('#viewer tbody tr')].map((r) => r.cells[2].textContent)"
    assert set(browser.evaluate(stages)) == {"retrain"}
    assert browser.complaints == []


def test_tables_sort_by_their_headings(browser: Any, page: Path):
    browser.look(*SCREENS["wide"])
    browser.open(page)
    numbers = browser.evaluate(
        """(() => {
          const table = [...document.querySelectorAll('main table')].find(
            (t) => t.querySelector('.sort') && t.caption.textContent.includes('search chose'));
          table.closest('details').open = true;
          table.tHead.rows[0].cells[1].querySelector('button').click();
          return [...table.tBodies[0].rows].map((row) => Number(row.cells[1].textContent));
        })()"""
    )
    assert len(numbers) > 7
    assert numbers == sorted(numbers)


@pytest.mark.slow
@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_no_serious_violation(browser: Any, page: Path, axe: str, dark: bool):
    browser.look(*SCREENS["wide"], dark=dark)
    browser.open(page)
    settle(browser)
    browser.evaluate("document.querySelectorAll('details').forEach((part) => (part.open = true))")
    browser.evaluate(axe + "; true")
    found = json.loads(browser.evaluate("axe.run().then((r) => JSON.stringify(r.violations))"))
    told = [
        f"{one['impact']}: {one['id']}: {one['nodes'][0]['html'][:160]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert told == []
