"""`archduel runs`: what was run in a home folder."""

from __future__ import annotations

from dataclasses import asdict

from rich.console import Console
from rich.text import Text

from service.app import history
from service.app.history import ExperimentRow
from service.cli.screen import advise, results, table, write_json
from service.cli.session import Session

_STYLES = {"finished": "green", "failed": "red", "interrupted": "yellow", "running": "cyan"}


def runs(session: Session, *, as_json: bool) -> None:
    """Print what was run, the latest first."""
    rows = history.experiments(session.home)
    if as_json:
        write_json([asdict(row) for row in rows])
        return
    if not rows:
        results().print(f"nothing was run yet in {session.home.path}", soft_wrap=True)
        advise(session, (("run", "configs/iris.yaml"), "compare two architectures in minutes"))
        return
    _show(results(), rows)
    advise(session, (("report", rows[0].key), "its report"), (("ui",), "every training, in MLflow"))


def _show(console: Console, rows: list[ExperimentRow]) -> None:
    listed = table("run", "state", "trainings", "started (UTC)", numbers=("trainings",))
    for row in rows:
        style = _STYLES.get(row.state, "dim")
        started = row.started[:16].replace("T", " ")
        done = f"{row.done:,}/{row.planned:,}"
        listed.add_row(Text(row.key, style="bold"), Text(row.state, style=style), done, started)
    console.print(listed)
    for row in rows:
        for pair, sentence in row.verdicts.items():
            console.print()
            about = row.key if pair == row.key else f"{row.key}, {pair}"
            console.print(Text.assemble((f"{about}: ", "bold"), sentence))
