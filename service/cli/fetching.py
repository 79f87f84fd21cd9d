"""`archduel report` where the experiment is a service's."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from service.app import reporting
from service.cli.remote import connected
from service.cli.screen import advise, results
from service.cli.session import Session
from service.contracts.errors import UserError

STDOUT = Path("-")


def report(
    session: Session, profile: str | None, run: str | None, form: str, out: Path | None,
    *, verify: bool,
) -> None:  # fmt: skip
    """Fetch a report; HTML goes to a file in the working directory, the others to stdout.

    Raises:
        UserError: there is no such experiment, it has no report yet, or the file cannot be written.
        ArchduelError: a number is not what its rows give.
    """
    with connected(session, profile) as api:
        experiment = api.find(run)
        text = api.report(experiment.id, "html" if verify else form)
    if verify:
        _verify(text, experiment.id)
    elif out == STDOUT or (out is None and form != "html"):
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
    else:
        path = out or Path(f"{experiment.name}-{experiment.id}.html")
        try:
            reporting.put(path, text)
        except OSError as error:
            rule = f"the report cannot be written there: {error.strerror}"
            raise UserError(rule, key="--out", value=str(path)) from error
        results().print(str(path), soft_wrap=True)
        advise(session, (("report", experiment.id, "--format", "md"), "the same as text"))


def _verify(text: str, identity: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{identity}.html"
        path.write_text(text, encoding="utf-8")
        reporting.verify_file(path)
    results().print(f"{identity}: every number of its report follows from its rows")
