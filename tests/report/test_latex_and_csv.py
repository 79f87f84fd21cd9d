# ruff: noqa: RUF001
"""LaTeX that cannot break, and a table that pandas reads."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest

from service.contracts.structure import Call, Structure
from service.contracts.trial import Stage, Status
from service.report import ReportInput, as_csv, render
from service.report.latex import escape
from tests.evidence import synthetic

OPEN = ("param.", "also.", "reference.")
"""Groups of columns: what follows the dot is the pair's own."""

EVIL = r"\end{document} \input{x} 50% of $x_i^2$ & #1 ~ {a} <b> ünïcödé 中文 \\ `q` | − × µ"


@pytest.fixture(scope="module")
def given() -> ReportInput:
    """Two pairs with hostile texts, code and a drawing."""
    pairs = [
        synthetic.pair_plan("one", title=EVIL, variants=("sequential", "two & three")),
        synthetic.pair_plan("two", metric="a_b%", unit="k$"),
    ]
    plan = synthetic.make_plan(pairs).model_copy(update={"config": EVIL, "experiment": EVIL})
    made = synthetic.experiment(plan=plan)
    graph = Structure(
        calls=(Call(layer="x_1", kind="InputLayer"), Call(layer="a%b", kind="Dense", inputs=(0,), tensors=(0,))),
        inputs=(0,), outputs=(1,), sequential=True,
    )  # fmt: skip
    results = []
    for row in made.results:
        if row.spec.stage is Stage.RETRAIN and row.spec.number == 0:
            row = row.model_copy(update={"structure": graph})
        if row.spec.number == 7:
            row = synthetic.failing(row, Status.FAILED, EVIL)
        results.append(row)
    builders = {"one": {"sequential": EVIL + "\n\tindented\n\n"}}
    return ReportInput(plan, results, {"command": EVIL, "builders": builders})


@pytest.fixture(scope="module")
def tex(given: ReportInput) -> str:
    return render(given, "tex")


def test_latex_is_balanced_and_its_tables_are_even(tex: str):
    bare = re.sub(r"\\[\\{}&%$#_]", "", tex)
    assert bare.count("{") == bare.count("}")
    begun = re.findall(r"(?<!\\)\\begin\{(\w+)\}", tex)
    ended = re.findall(r"(?<!\\)\\end\{(\w+)\}", tex)
    assert sorted(begun) == sorted(ended)
    assert begun.count("document") == 1
    assert begun.count("longtable") > 10
    for table in re.findall(r"\\begin\{longtable\}.*?\\end\{longtable\}", tex, re.S):
        rows = re.findall(r"^(.* & .*) \\\\$", table, re.M)
        columns = {len(re.split(r"(?<!\\)&", row)) for row in rows}
        assert len(columns) <= 1


def test_latex_prints_any_text(tex: str):
    assert r"\input" not in tex.replace(r"\textbackslash{}input", "")
    assert escape("50% of a_b & {c} − 3") == r"50\% of a\_b \& \{c\} $-$ 3"
    assert escape("中") == "?"
    assert escape("é") == "é"


@pytest.mark.slow
def test_latex_compiles(tex: str, tmp_path: Path):
    program = shutil.which("pdflatex")
    if program is None:
        pytest.skip(
            "no LaTeX is installed (on Debian: apt-get install texlive-latex-recommended lmodern)"
        )
    (tmp_path / "report.tex").write_text(tex, encoding="utf-8")
    done = subprocess.run(
        [program, "-interaction=nonstopmode", "-halt-on-error", "report.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "report.pdf").stat().st_size > 10_000


def test_pandas_reads_every_row_and_every_column_is_documented(given: ReportInput):
    table = pd.read_csv(io.StringIO(render(given, "csv")))
    assert len(table) == len(given.results)
    assert table["trial"].is_unique
    documented = set(re.findall(r"`([\w.]+)`", as_csv.__doc__ or ""))
    fixed = [name for name in table.columns if not name.startswith(OPEN)]
    assert set(fixed) == documented - {f"{group}NAME" for group in OPEN}
    assert "param.learning_rate" in table.columns
    winners = table[(table["stage"] == "retrain") & (table["pair"] == "one")]
    expected = [
        row.test_score
        for row in given.results
        if row.test_score and row.spec.pair == "one" and row.spec.stage is Stage.RETRAIN
    ]
    assert sorted(winners["test_score"].dropna()) == sorted(expected)
    assert (table.loc[table["status"] == "failed", "reason"] == EVIL).all()


def test_an_experiment_without_rows_still_has_its_columns():
    table = pd.read_csv(io.StringIO(render(ReportInput(synthetic.make_plan(), [], {}), "csv")))
    assert len(table) == 0
    assert {"pair", "test_score", "seed_order"} <= set(table.columns)
