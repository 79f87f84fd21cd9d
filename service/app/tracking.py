"""Keeps MLflow and Optuna's dashboard a copy of the ledger, beside a run or on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from service.app.home import Home
from service.contracts.plan import Plan
from service.stores.background import Background
from service.stores.experiment_ledger import ExperimentLedger
from service.stores.lock import hold
from service.stores.mlflow_outbox import Outbox, OutboxState
from service.stores.optuna_mirror import mirror

JOURNAL = "optuna.journal"
"""The searches in a run's folder, for `optuna-dashboard <file>`."""

LIVE_SEARCHES = 2_000
"""Trainings up to which the journal follows a run. Optuna needs 15 KB of memory for each while it is
written, so a larger experiment's is written at its end."""

PATIENCE_SECONDS = 60.0
"""How long the end of a run waits for a tracking server that answers slowly."""

SILENCE_SECONDS = 5.0
"""How long it waits for one that has not answered before."""

SETTLE_SECONDS = 3.0
"""How long a run that was stopped waits, so that its pairs' runs do not stay RUNNING."""


@dataclass
class Tracking:
    """The copies of one run.

    Args:
        uri: MLflow's tracking address.
        outbox: what sends there.
        searches: what writes the journal for optuna-dashboard.
    """

    uri: str
    outbox: Outbox
    searches: Background

    @classmethod
    def start(
        cls, ledger: ExperimentLedger, home: Home, plan: Plan, say: Callable[[str], None]
    ) -> Tracking:
        """Begin to send in the background."""
        tracking = cls.open(ledger, home, plan, say)
        tracking.outbox.start()
        tracking.searches.start()
        return tracking

    @classmethod
    def open(
        cls, ledger: ExperimentLedger, home: Home, plan: Plan, say: Callable[[str], None]
    ) -> Tracking:
        """The outbox, not sending yet."""
        uri = plan.mlflow or home.mlflow_uri
        outbox = Outbox(ledger, uri, home.artifacts, note=lambda: _notes(ledger), say=say)
        journal = home.run_folder(ledger.key) / JOURNAL
        searches = Background("the copy for optuna-dashboard", lambda: mirror(ledger, journal), say)
        return cls(uri, outbox, searches)

    def nudge(self, done: int) -> None:
        """Something new was recorded; `done` trainings are now."""
        self.outbox.nudge()
        if done <= LIVE_SEARCHES:
            self.searches.nudge()

    def finish(self, files: Mapping[str, Path]) -> str | None:
        """Send the rest and the reports; returns what could not be sent, in one line."""
        self.outbox.attach(files)
        silent = self.outbox.state().last_error is not None
        state = self.outbox.close(SILENCE_SECONDS if silent else PATIENCE_SECONDS)
        self.searches.close(PATIENCE_SECONDS)
        return _behind(state)

    def abandon(self) -> None:
        """Stop sending soon; what is missing is sent by the next run or sync."""
        self.outbox.close(SETTLE_SECONDS)
        self.searches.close(SETTLE_SECONDS)


def sync(
    ledger: ExperimentLedger, home: Home, plan: Plan, say: Callable[[str], None]
) -> str | None:
    """Send what MLflow does not have yet; returns what could not be sent, in one line.

    Raises:
        UserError: the experiment is being run, and its own outbox sends.
    """
    with hold(home.path, ledger.name):
        tracking = Tracking.open(ledger, home, plan, say)
        tracking.searches.start()
        tracking.searches.close(PATIENCE_SECONDS)
        outbox = tracking.outbox
        if ledger.state == "finished":
            from service.app import reporting

            outbox.attach(reporting.write(ledger, home))
        return _behind(outbox.flush())


def _notes(ledger: ExperimentLedger) -> dict[str, str]:
    from service.app import reporting  # here: a run begins before it has anything to report

    return reporting.notes(ledger)


def _behind(state: OutboxState) -> str | None:
    if not state.waiting and state.last_error is None:
        return None
    return f"{state.waiting} trials are not in MLflow yet: {state.last_error}"
