"""Reports, rendered from the ledger alone."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from service.app.home import Home
from service.contracts.errors import ArchduelError, UserError
from service.evidence import latest
from service.evidence.requirement import Requirement
from service.report import Format, ReportInput, plot_svg
from service.report import render as render_report
from service.report.build import figures
from service.report.compare import compare
from service.report.drawing import standalone
from service.report.note import note
from service.report.rows import fingerprint
from service.report.text import tables as as_text
from service.report.verify import verify_json, verify_page
from service.report.view import PairView, View, look_at
from service.stores.experiment_ledger import ExperimentLedger
from service.stores.optuna_importance import importances

WRITTEN: tuple[Format, ...] = ("html", "md", "json")
"""The forms that every run leaves in its folder."""

VERIFIED = {"html": verify_page, "json": verify_json}
"""The forms that carry their rows, and what makes their numbers again."""


def render(ledger: ExperimentLedger, form: Format) -> str:
    """The report of an experiment in one of its forms."""
    return render_report(_input(ledger), form)


def write(ledger: ExperimentLedger, home: Home) -> dict[str, Path]:
    """Write the reports, the figures and the drawings into the experiment's folder.

    Returns:
        Files by name; a figure's or drawing's begins with its pair's name and a slash.
    """
    given, folder = _input(ledger), home.run_folder(ledger.key)
    texts = {f"report.{form}": render_report(given, form) for form in WRITTEN}
    files = {name: folder / name for name in texts}
    view = look_at(given)
    for pair in view.pairs:
        for kind, pictures in (("figures", _figures(view, pair)), ("drawings", _drawings(pair))):
            for name, picture in pictures.items():
                path = folder / kind / pair.plan.name / f"{name}.svg"
                files[f"{pair.plan.name}/{kind}/{path.name}"] = path
                texts[f"{pair.plan.name}/{kind}/{path.name}"] = picture
    for name, path in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        put(path, texts[name])
    return files


def _figures(view: View, pair: PairView) -> dict[str, str]:
    """A pair's figures as SVG, by name."""
    found = figures(view, pair).items()
    return {name: plot_svg.file(one) for name, one in found if plot_svg.drawable(one)}


def _drawings(pair: PairView) -> dict[str, str]:
    """The drawings of a pair's two models as SVG, by variant."""
    return {
        _word(row.spec.variant): standalone(row.structure, row.spec.variant)
        for row in pair.structures
        if row is not None and row.structure is not None
    }


def _word(name: str) -> str:
    """A variant's name as the name of a file."""
    return re.sub(r"[^\w.-]+", "-", name)


def put(path: Path, text: str) -> None:
    """Write a file in one step: a reader sees the old one or the new one, never half of it."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def verify(ledger: ExperimentLedger, home: Home) -> dict[str, str]:
    """Make every number of an experiment's written reports again from the rows they carry.

    Returns:
        By file, what was found to be true of it.

    Raises:
        UserError: no report was written.
        ArchduelError: a number is not what its rows give, or the rows are not the ledger's.
    """
    folder = home.run_folder(ledger.key)
    files = [path for form in VERIFIED if (path := folder / f"report.{form}").is_file()]
    if not files:
        raise UserError(
            f"no report of '{ledger.key}' was written", hint=f"archduel report {ledger.key}"
        )
    now = fingerprint(list(ledger.results().values()))
    found = {}
    for path in files:
        carried = verify_file(path)
        if carried != now:
            raise ArchduelError(
                f"{path}: rows: printed fingerprint '{carried}', the ledger's is '{now}'; "
                f"archduel report {ledger.key} writes it anew"
            )
        found[str(path)] = "every number follows from its rows, and they are the ledger's"
    return found


def verify_file(path: Path) -> str:
    """Make every number of one report again from the rows it carries.

    Args:
        path: an HTML or JSON report.

    Returns:
        The fingerprint of its rows.

    Raises:
        UserError: it is no such file.
        ArchduelError: a number is not what its rows give.
    """
    check = VERIFIED.get(path.suffix.removeprefix("."))
    if check is None:
        raise UserError("only HTML and JSON reports carry their rows", value=str(path))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the report cannot be read: {error}", value=str(path)) from error
    carried, difference = check(text, _derived)
    if difference is not None:
        raise ArchduelError(f"{path}: {difference}")
    return carried


def compared(first: ExperimentLedger, second: ExperimentLedger) -> str:
    """Two experiments side by side as text, differences first."""
    return as_text(compare(_input(first), _input(second)))


def requirement(ledger: ExperimentLedger, required: str) -> dict[str, tuple[bool, str]]:
    """By pair name, whether it meets a requirement, and why.

    Raises:
        UserError: it is no requirement, or names variants that a pair does not have.
    """
    wanted = Requirement.parse(required)
    return {
        pair.name: wanted.met(latest(ledger.plan, pair, list(ledger.evidence(pair.name))))
        for pair in ledger.plan.pairs
    }


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
    given = ReportInput(ledger.plan, list(ledger.results().values()), ledger.facts)
    return replace(given, facts={**given.facts, **_derived(given)})


def _derived(given: ReportInput) -> dict[str, Any]:
    """Facts that follow from the rows, but by libraries that the report itself does not import."""
    return {"importance": importances(given.plan, given.results)}
