"""Two experiments side by side."""

from __future__ import annotations

from service.report import ReportInput
from service.report.compare import compare
from service.report.document import Value
from service.report.text import tables
from tests.evidence import synthetic


def given(*, effect: float, seed: int, names=("one", "two"), **changes):
    pairs = [synthetic.pair_plan(name) for name in names]
    plan = synthetic.make_plan(pairs, **changes)
    made = synthetic.experiment(plan=plan, truth=synthetic.Truth(effect=effect), seed=seed)
    return ReportInput(made.plan, made.results, {"versions": {"keras": f"3.{seed}"}})


def test_differences_come_first_and_changes_have_an_interval():
    first = given(effect=0.05, seed=1)
    second = given(effect=0.0, seed=2, names=("two", "three"), trials=6)
    what, verdicts, costs = compare(first, second)
    told = {row[0]: row[1:] for row in what.rows}
    assert told["search.trials"] == ("8", "6")
    assert told["versions.keras"] == ("3.1", "3.2")
    assert "The protocols differ." in what.note
    rows = {row[0]: row for row in verdicts.rows}
    assert sum("change" in name for name in rows) == 1
    change = rows["two, change"][2]
    assert isinstance(change, Value)
    assert change.interval is not None
    assert change.interval[0] < -5 < change.interval[1]
    assert change.interval[1] < 0
    assert len(costs.rows) == 15
    text = tables([what, verdicts, costs])
    assert max(map(len, text.splitlines())) <= 80


def test_the_same_experiment_differs_in_nothing():
    one = given(effect=0.05, seed=1)
    what, verdicts, _ = compare(one, one)
    assert what.caption == "What differs: nothing"
    assert what.note == "The protocol is the same."
    change = verdicts.rows[2][2]
    assert isinstance(change, Value)
    assert change.value == 0
