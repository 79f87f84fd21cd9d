"""The service's API without anything behind its queue: `python -m tests.benchmarks.api_alone FOLDER
PORT`."""

from __future__ import annotations

import sys
from pathlib import Path

from service.api.application import make
from service.api.context import Service
from service.api.limits import Allowance
from service.api.metrics import Metrics
from service.api.server import listen, run
from service.contracts.entry import Entry
from service.contracts.wire import Limits
from service.database.engine import Database
from service.hosting.blobs import Blobs
from service.queue.audit import Audit
from service.queue.queue import Limits as QueueLimits
from service.queue.queue import Queue
from service.queue.tokens import Tokens

MANY = 1_000_000


class NoResults:
    """No driver ever runs."""

    def report(self, entry: Entry, form: str) -> str:
        """No report."""
        return ""

    def log(self, entry: Entry) -> str:
        """No log."""
        return ""

    def tracking(self, entry: Entry) -> str | None:
        """No page."""
        return None

    def forget(self, entry: Entry) -> None:
        """Nothing is kept."""


def main(folder: Path, port: int) -> None:
    """Serve until it is told to stop."""
    database = Database(f"sqlite:///{folder}/queue.db")
    queue = Queue(database, QueueLimits(user_queued=MANY))
    service = Service(
        queue=queue,
        tokens=Tokens(database),
        audit=Audit(database),
        files=Blobs(folder.as_uri()),
        results=NoResults(),
        checks=lambda: {"database": "ok", "store": "ok"},
        nudge=lambda: None,
        limits=Limits(upload_bytes=MANY, queued=MANY, per_minute=MANY),
        metrics=Metrics(queue.counts),
        public=None,
        insecure_local=False,
        style="",
        allowance=Allowance(MANY),
    )
    run(make(service), listen("127.0.0.1", port), lambda: None)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
