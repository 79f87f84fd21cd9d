"""Reports, rendered from the ledger alone."""

from __future__ import annotations

import os
from pathlib import Path

from service.app.home import Home
from service.report import Format, ReportInput
from service.report import render as render_report
from service.report.note import note
from service.stores.experiment_ledger import ExperimentLedger

WRITTEN: tuple[Format, ...] = ("html", "md", "json")
"""The forms that every run leaves in its folder."""


def render(ledger: ExperimentLedger, form: Format) -> str:
    """The report of an experiment in one of its forms."""
    return render_report(_input(ledger), form)


def write(ledger: ExperimentLedger, home: Home) -> dict[str, Path]:
    """Write the reports into the experiment's folder; returns them by file name."""
    given, folder = _input(ledger), home.run_folder(ledger.key)
    files: dict[str, Path] = {}
    for form in WRITTEN:
        path = folder / f"report.{form}"
        put(path, render_report(given, form))
        files[path.name] = path
    return files


def put(path: Path, text: str) -> None:
    """Write a file in one step: a reader sees the old one or the new one, never half of it."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def notes(ledger: ExperimentLedger) -> dict[str, str]:
    """By pair name, the Markdown that MLflow shows on the pair's run."""
    plan = ledger.plan
    return {
        pair.name: note(
            ReportInput(
                plan=plan.model_copy(update={"pairs": (pair,)}),
                results=list(ledger.evidence(pair.name)),
                facts=ledger.facts,
            )
        )
        for pair in plan.pairs
    }


def _input(ledger: ExperimentLedger) -> ReportInput:
    return ReportInput(
        plan=ledger.plan, results=list(ledger.results().values()), facts=ledger.facts
    )
