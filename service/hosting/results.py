"""What drivers leave behind, for the service to show: reports, logs, MLflow's pages."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from service.app.home import Home
from service.contracts.driver_host import DriverHost
from service.contracts.entry import Entry
from service.contracts.errors import ArchduelError, Unavailable, UserError
from service.hosting.blobs import Blobs

KEPT = ("html", "md", "json")
"""Forms of a report that a driver leaves; the others are made from the ledger."""

_LONGEST_LOG = 4 * 1024**2


class Results:
    """What is known of experiments beside their entries.

    Args:
        home: with the ledger.
        blobs: where drivers put their reports.
        host: knows the log of a driver that is at work.
        mlflow_page: MLflow's address for people by the experiment's uuid in the ledger.
    """

    def __init__(
        self,
        home: Home,
        blobs: Blobs,
        host: DriverHost,
        mlflow_page: Callable[[str], str | None],
    ) -> None:
        self._home = home
        self._blobs = blobs
        self._host = host
        self._mlflow_page = mlflow_page

    def report(self, entry: Entry, form: str) -> str:
        """The report in one of its forms.

        Raises:
            UserError: there is none yet, or no such form.
        """
        content = self._blobs.read(f"{_folder(entry)}/report.{form}") if form in KEPT else None
        if content is not None:
            return content.decode()
        if entry.ledger_key is None or not entry.verdicts:
            raise UserError(
                f"experiment {entry.id} has no report yet",
                hint=f"it is {entry.state}" + (f": {entry.reason}" if entry.reason else ""),
            )
        from service.app import history, reporting
        from service.report import FORMATS

        if form not in FORMATS:
            raise UserError(f"must be one of {', '.join(FORMATS)}", key="form", value=form)
        return reporting.render(history.experiment(self._home, entry.ledger_key), form)

    def log(self, entry: Entry) -> str:
        """What its drivers' processes wrote: those that have ended, and the one at work."""
        parts = []
        for attempt in range(max(1, entry.attempt - 4), entry.attempt + 1):
            kept = self._blobs.read(_log(entry, attempt))
            if kept is not None:
                parts.append(kept.decode(errors="replace"))
        if entry.job is not None and self._blobs.read(_log(entry, entry.attempt)) is None:
            try:
                parts.append(self._host.logs(entry.job))
            except Unavailable as error:
                parts.append(f"[{error}]\n")
        return "".join(parts)

    def keep_log(self, entry: Entry, log: str) -> None:
        """Keep the end of the log of a driver that has ended."""
        text = log if len(log) <= _LONGEST_LOG else f"...\n{log[-_LONGEST_LOG:]}"
        head = f"--- driver {entry.attempt} of {entry.id}\n"
        self._blobs.write(_log(entry, entry.attempt), (head + text).encode())

    def tracking(self, entry: Entry) -> str | None:
        """The address of the experiment in MLflow, for people; None before it began."""
        if entry.ledger_key is None:
            return None
        from service.app import history

        try:
            uuid = history.experiment(self._home, entry.ledger_key).uuid
        except ArchduelError:  # it began, and has recorded nothing yet
            return None
        return self._mlflow_page(uuid)

    def forget(self, entry: Entry) -> None:
        """Remove what is kept of an experiment that is deleted; MLflow keeps its copy."""
        self._blobs.remove(_folder(entry))
        shutil.rmtree(self._home.path / "drivers" / entry.id, ignore_errors=True)
        if entry.ledger_key is not None:
            from service.stores.ledger import LedgerStore

            store = LedgerStore(self._home.ledger_url, self._home.path)
            store.remove(entry.ledger_key)
            store.close()
            for kind in ("runs", "models"):
                folder = self._home.path / kind / quote(entry.ledger_key, safe="")
                shutil.rmtree(folder, ignore_errors=True)


def keep_reports(entry: Entry, folder: Path, blobs: Blobs) -> None:
    """Put a driver's reports, figures and drawings where the service finds them."""
    files = [*folder.glob("report.*"), *folder.glob("*/**/*.svg")]
    named = {path.relative_to(folder).as_posix(): path for path in files}
    blobs.write_all(_folder(entry), named)


def _folder(entry: Entry) -> str:
    return f"runs/{entry.id}"


def _log(entry: Entry, attempt: int) -> str:
    return f"{_folder(entry)}/driver-{attempt}.log"
