"""`archduel compare` and `archduel check`: two runs side by side, and a run against a requirement."""

from __future__ import annotations

import sys

import typer

from service.app import history, reporting
from service.cli.screen import results, write_json
from service.cli.session import Session


def compare(session: Session, first: str, second: str) -> None:
    """Print two runs side by side, differences first.

    Raises:
        UserError: there is no such run.
    """
    runs = [history.experiment(session.home, name) for name in (first, second)]
    sys.stdout.write(reporting.compared(*runs))


def check(session: Session, run: str | None, required: str, *, as_json: bool) -> None:
    """Say for each pair of a run whether it meets a requirement.

    Raises:
        UserError: there is no such run, or it is no requirement for its pairs.
        typer.Exit: with 1 when a pair does not meet it.
    """
    found = reporting.requirement(history.experiment(session.home, run), required)
    if as_json:
        write_json({pair: {"met": met, "why": why} for pair, (met, why) in found.items()})
    else:
        for pair, (met, why) in found.items():
            results().print(f"{pair}: {'met' if met else 'not met'}: {why}", soft_wrap=True)
    if not all(met for met, _ in found.values()):
        raise typer.Exit(1)
