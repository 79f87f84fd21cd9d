"""Hyperparameter importance in a report."""

from __future__ import annotations

from service.report import ReportInput, render
from tests.evidence import synthetic


def test_it_is_printed_where_it_is_known() -> None:
    made = synthetic.experiment(repetitions=10)
    first, second = made.pair.variants
    known = {made.pair.name: {first: {"learning_rate": 0.9, "dropout": 0.1}, second: None}}
    text = render(ReportInput(made.plan, made.results, {"importance": known}), "md")
    assert "Which hyperparameters mattered" in text
    assert "90%" in text
    assert f"{second}: too few trials ended ok to tell" in text
    without = render(ReportInput(made.plan, made.results, {}), "md")
    assert "Which hyperparameters mattered" not in without
    few = {made.pair.name: {first: None, second: None}}
    nothing = render(ReportInput(made.plan, made.results, {"importance": few}), "md")
    assert "Which hyperparameters mattered" not in nothing
