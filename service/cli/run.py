"""`archduel run`: run an experiment, or go on with one."""

from __future__ import annotations

import signal
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from service.app import planning, running
from service.app.cluster import Cluster
from service.app.planning import Planned
from service.app.running import Summary
from service.app.stopping import Interrupted
from service.app.workers import ExecutorName
from service.cli.board import Board
from service.cli.group import INTERRUPTED, Stopped
from service.cli.progress import Display, Log, Silent
from service.cli.screen import advise, duration, errors, plural, results, whole, write_json
from service.cli.session import Session
from service.contracts.errors import UserError
from service.contracts.plan import Plan


def run(
    session: Session,
    config: Path,
    overrides: list[str],
    executor: ExecutorName,
    address: str | None,
    *,
    fresh: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run it and print what was found.

    Raises:
        UserError: the config, the data, the machine or the ledger does not fit.
        Stopped: Ctrl-C, or the system asked for it.
    """
    planned = planning.load(config, overrides)
    announcement = _announcement(planned.plan)
    carry_out(
        session, planned, announcement, executor, address,
        fresh=fresh, as_json=as_json, quiet=quiet,
    )  # fmt: skip


def carry_out(
    session: Session,
    planned: Planned,
    announcement: str,
    executor: ExecutorName,
    address: str | None,
    *,
    fresh: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Run a plan, say how it advances, and print what was found.

    Raises:
        UserError: the data, the machine or the ledger does not fit.
        Stopped: Ctrl-C, or the system asked for it.
    """
    if address is not None and executor != "ray":
        raise UserError("must go with --executor ray", key="--address", value=address)
    cluster = None if address is None else Cluster(address)
    board = Board(planned.plan)
    try:
        # Libraries may print what they like; stdout is for the result alone.
        with redirect_stdout(sys.stderr), _progress(board, quiet) as progress:
            progress.say(announcement)
            summary = running.run(
                planned, session.home, progress, executor=executor, cluster=cluster, fresh=fresh
            )
    except (Interrupted, KeyboardInterrupt) as stop:
        kept = f"{board.done:,} of {plural(board.planned, 'training')} are recorded"
        raise Stopped(f"{kept}; the same command goes on from here", _exit_code(stop)) from stop
    if as_json:
        write_json(document(summary, board))
    else:
        _tell(session, summary, board)


def _exit_code(stop: BaseException) -> int:
    """128 + the number of the signal, as shells have it; `Interrupted` carries its name."""
    if isinstance(stop, Interrupted):
        return 128 + signal.Signals[stop.args[0]]
    return INTERRUPTED


def _progress(board: Board, quiet: bool) -> Silent:
    if quiet:
        return Silent(board)
    return Display(board) if errors().is_terminal else Log(board)


def _announcement(plan: Plan) -> str:
    most = plural(sum(plan.trainings.values()), "training")
    return f"experiment '{plan.experiment}': {plural(len(plan.pairs), 'pair')}, at most {most}"


def document(summary: Summary, board: Board) -> dict[str, Any]:
    """What was found, as JSON."""
    return {
        "key": summary.key,
        "verdicts": {
            name: {
                "sentence": found.judgement.sentence,
                "look": found.look + 1,
                "warnings": list(found.judgement.warnings),
                **found.judgement.verdict.to_dict(),
            }
            for name, found in summary.findings.items()
        },
        "report": str(summary.report),
        "tracking": {"uri": summary.tracking_uri, "behind": summary.tracking_behind},
        "trainings": {
            "done": board.done,
            "resumed": board.resumed,
            "without_score": board.troubled,
        },
        "seconds": round(summary.seconds, 3),
    }


def _tell(session: Session, summary: Summary, board: Board) -> None:
    console = results()
    console.print(summary.table.rstrip(), markup=False, soft_wrap=True)
    console.print()
    trained = f"{duration(summary.seconds)} for {plural(board.done - board.resumed, 'training')}"
    if board.resumed:
        trained += f"; {board.resumed:,} more were found in the ledger"
    rows = [("report", str(summary.report)), ("time", trained)]
    if board.troubled:
        rows.append(("careful", f"{plural(board.troubled, 'training')} ended without a score"))
    remote = summary.tracking_uri.startswith(("http://", "https://"))
    if remote:
        rows.append(("MLflow", summary.tracking_uri))
    if summary.tracking_behind is not None:
        rows.append(("careful", summary.tracking_behind))
    console.print(whole(rows), soft_wrap=True)
    steps: list[tuple[tuple[str, ...], str]] = []
    if not remote:
        steps.append((("ui",), "every training, in MLflow"))
    steps.append((("report", summary.key, "--format", "md"), "the report as text"))
    if summary.tracking_behind is not None:
        steps.insert(0, (("sync", summary.key), "send the rest to MLflow"))
    advise(session, *steps)
