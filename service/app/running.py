"""Runs an experiment from its plan to its report: the composition root of `archduel run`."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from service.app import facts, planning
from service.app.cluster import Cluster
from service.app.home import Home
from service.app.late import load_late
from service.app.planning import Planned
from service.app.stopping import Interrupted, Stop
from service.app.tracking import Tracking
from service.app.workers import ExecutorName, Workers
from service.contracts.data import Dataset
from service.contracts.errors import UserError
from service.contracts.ports import Advance, Progress
from service.plan.resources import check_resources
from service.stores.ledger import LedgerStore
from service.stores.lock import hold

if TYPE_CHECKING:
    from service.campaign import Finding

PROMPT_SECONDS = 1.0
"""Data that takes longer to load is loaded while Ray starts; other mistakes are told before it."""


@dataclass(frozen=True)
class Summary:
    """What a finished run leaves.

    Args:
        key: the experiment's key in the ledger.
        findings: by pair name.
        report: the HTML file.
        tracking_uri: MLflow's address.
        tracking_behind: what could not be sent there, in one line.
        seconds: wall time of this run.
        table: the side-by-side table for a terminal.
    """

    key: str
    findings: dict[str, Finding]
    report: Path
    tracking_uri: str
    tracking_behind: str | None
    seconds: float
    table: str


def run(
    planned: Planned,
    home: Home,
    progress: Progress,
    *,
    executor: ExecutorName = "ray",
    cluster: Cluster | None = None,
    fresh: bool = False,
) -> Summary:
    """Run an experiment, or go on with one that was stopped.

    Args:
        planned: what to do.
        home: where to keep it.
        progress: hears how it advances.
        executor: where trials run; on Ray in this cluster, or in a private one.
        fresh: start anew although the experiment is known.

    Raises:
        UserError: the machine, the data or the ledger does not fit the plan.
        Interrupted: SIGINT or SIGTERM came; running the same again goes on from there.
    """
    started = time.monotonic()
    _check_early(planned, cluster)
    stop = Stop()
    workers = Workers(executor, cluster, home.checkpoints, progress, stop.check)
    name = planned.plan.experiment
    with hold(home.path, name), stop, workers:
        store = LedgerStore(home.ledger_url, home.path, patience_seconds=home.patience)
        begin = fresh or bool(planned.plan.design.extensions) or not store.is_finished(name)
        progress.say("loading data")
        loading = _loading(planned)
        load_late()
        if begin and not wait([loading], timeout=PROMPT_SECONDS).done:
            workers.begin(planned)
        datasets = loading.result()
        planned = planning.with_data(planned, datasets)
        known = facts.gather(datasets, planned.pairs, executor)
        ledger = store.open_experiment(planned.plan, known, fresh=fresh)
        planned = replace(planned, plan=ledger.plan)  # with the extensions that were recorded
        workers.give(planned, datasets)
        tracking = Tracking.start(ledger, home, planned.plan, progress.say)
        decided = False
        try:
            if begin:
                workers.begin(planned)
            heard = Nudging(progress, tracking)
            from service.app import campaigning, reporting

            findings = campaigning.run(planned.plan, ledger, workers, heard)
            verdicts = {name: found.judgement.to_dict() for name, found in findings.items()}
            ledger.set_verdicts(verdicts)
            ledger.set_state("finished")
            decided = True
            files = reporting.write(ledger, home)
            behind = tracking.finish(files)
        except BaseException as error:
            try:
                if not decided:
                    stopped = isinstance(error, Interrupted | KeyboardInterrupt)
                    ledger.set_state("interrupted" if stopped else "failed")
            finally:
                tracking.abandon()
            raise
        return Summary(
            key=ledger.key,
            findings=findings,
            report=files["report.html"],
            tracking_uri=tracking.uri,
            tracking_behind=behind,
            seconds=time.monotonic() - started,
            table=reporting.render(ledger, "txt"),
        )


def _check_early(planned: Planned, cluster: Cluster | None) -> None:
    """Refuse at once what can be known before data is loaded and Ray is started."""
    if cluster is not None:
        from service.execution.ray_address import require_answer

        return require_answer(cluster.address)
    from service.execution.inline import check_backend

    check_resources(planned.plan, planned.config, os.cpu_count() or 1, local_gpus())
    try:
        check_backend(planned.plan.backend)
    except UserError as error:
        raise planned.config.error(("backend",), error.rule, hint=error.hint) from error
    return None


def _loading(planned: Planned) -> Future[dict[str, Dataset]]:
    """Load the data in a thread of its own, which does not hold up the end of this process."""
    loading: Future[dict[str, Dataset]] = Future()

    def load() -> None:
        try:
            loading.set_result(planning.datasets(planned))
        except BaseException as error:  # Whoever asks for the result raises it.
            loading.set_exception(error)

    threading.Thread(target=load, name="data", daemon=True).start()
    return loading


def local_gpus() -> int:
    """NVIDIA GPUs of this machine, by their device files."""
    return len(list(Path("/dev").glob("nvidia[0-9]*")))


@dataclass(frozen=True)
class Nudging:
    """Passes progress on, and tells the copies that there is something new."""

    progress: Progress
    tracking: Tracking

    def advance(self, news: Advance) -> None:
        self.progress.advance(news)
        self.tracking.nudge(news.done)

    def say(self, text: str) -> None:
        self.progress.say(text)
