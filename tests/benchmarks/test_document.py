"""The committed table of benchmarks, and what one case measured alone does to it."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.__main__ import keep, kept
from tests.benchmarks.case import ROOT
from tests.benchmarks.document import document

PAGE = ROOT / "docs/benchmarks.md"


def test_the_page_is_what_its_figures_give():
    assert PAGE.read_text(encoding="utf-8") == document(kept(PAGE.with_suffix(".json")))


def test_a_case_alone_keeps_the_rows_of_the_others(tmp_path: Path):
    file = tmp_path / "page.json"
    known = kept(PAGE.with_suffix(".json"))
    for case in ("epochs", "warm"):
        keep(file, case, known[case])
    keep(file, "warm", {**known["warm"], "date": "now"})
    found = kept(file)
    assert list(found) == ["warm", "epochs"]
    assert found["warm"]["date"] == "now"
    assert found["epochs"] == known["epochs"]
