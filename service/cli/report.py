"""`archduel report`: what an experiment found, from the ledger alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Literal

from service.app import history, reporting
from service.app.history import ExperimentLedger
from service.app.home import Home
from service.cli.screen import advise, results
from service.cli.session import Session
from service.contracts.errors import UserError

STDOUT = Path("-")

Form = Literal["html", "md", "tex", "csv", "json", "txt"]


def report(session: Session, run: str | None, form: Form, out: Path | None) -> None:
    """Write or print a report; nothing is trained.

    Raises:
        UserError: there is no such run, or the file cannot be written.
    """
    ledger = history.experiment(session.home, run)
    if out == STDOUT or (out is None and form != "html"):
        text = reporting.render(ledger, form)
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
    elif out is not None:
        _write(out, reporting.render(ledger, form))
        results().print(str(out), soft_wrap=True)
    else:
        files = _write_all(ledger, session.home)
        results().print(str(files["report.html"]), soft_wrap=True)
        advise(session, (("report", ledger.key, "--format", "md"), "the same as text"))


def verify(session: Session, run: str | None) -> None:
    """Make every printed number of a run's reports, or of a report given as a file, again.

    Raises:
        UserError: there is no such run or file.
        ArchduelError: the first number that is not what its rows give.
    """
    path = None if run is None else Path(run)
    if path is not None and path.suffix in (".html", ".json") and path.is_file():
        reporting.verify_file(path)
        results().print(f"{path}: every number follows from its rows", soft_wrap=True)
        return
    ledger = history.experiment(session.home, run)
    for file, told in reporting.verify(ledger, session.home).items():
        results().print(f"{file}: {told}", soft_wrap=True)


def _write_all(ledger: ExperimentLedger, home: Home) -> dict[str, Path]:
    try:
        return reporting.write(ledger, home)
    except OSError as error:
        raise UserError(
            f"the report cannot be written into the home folder: {error.strerror}",
            key="--home",
            value=str(home.path),
            hint="--out PATH writes it elsewhere, --out - to stdout",
        ) from error


def _write(path: Path, text: str) -> None:
    try:
        reporting.put(path, text)
    except OSError as error:
        raise UserError(
            f"the report cannot be written there: {error.strerror}", key="--out", value=str(path)
        ) from error
