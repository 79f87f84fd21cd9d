"""The driver of one submitted experiment: `python -m service.hosting.driving ID ATTEMPT`, a Ray job.

It may be killed at any moment: the next one resumes from the ledger. What it must know beside its two
arguments it has from its environment (`Settings.for_drivers`).
"""

from __future__ import annotations

import errno
import os
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path

from service.app import planning, running
from service.app.cluster import Cluster, Warm
from service.app.home import Home
from service.app.planning import Planned
from service.app.running import Summary
from service.app.stopping import Interrupted
from service.contracts.entry import Entry, IllegalMove, NoSuchEntry, Stale
from service.contracts.errors import ArchduelError, Unavailable, UserError
from service.contracts.uploads import check_path
from service.database.engine import Database
from service.execution.ray_address import NoCluster
from service.hosting.blobs import Blobs
from service.hosting.reporter import Reporter
from service.hosting.results import keep_reports
from service.hosting.settings import Settings, load
from service.queue.reports import DriverDesk
from service.stores.lock import InUse

PATIENCE = 120.0
"""Seconds that a driver waits for a database that does not answer."""

POSTPONED = 10.0
"""Seconds until an experiment is started again that misses something for now."""

PREDECESSOR = 60.0
"""Seconds that the driver before this one is given to end."""

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS}
CONFIG = "config.yaml"

_NOT_OURS = (Stale, IllegalMove, NoSuchEntry)
"""The entry was cancelled or deleted, or another driver has it."""


def main(identity: str, attempt: int) -> int:
    """Drive an experiment to its end; returns the exit code."""
    settings = load()
    desk = DriverDesk(Database(settings.database, patience_seconds=PATIENCE), identity, attempt)
    try:
        entry = desk.begin()
    except _NOT_OURS as error:
        print(f"not needed: {error}", flush=True)
        return 0
    with Reporter(desk, entry.max_parallel) as reporter:
        return _drive(entry, settings, desk, reporter)


def _drive(entry: Entry, settings: Settings, desk: DriverDesk, reporter: Reporter) -> int:
    """Run it, and tell the queue how it ended, whatever happens."""
    try:
        home = Home.open(settings.home)
        home = Home(home.path, settings.database, settings.mlflow_uri, PATIENCE)
        blobs = Blobs(settings.store, settings.s3_endpoint_url)
        folder = unpack(entry, blobs, home.path / "drivers" / entry.id)
        os.chdir(folder)
        planned = plan(entry, home, desk)
        if planned is None:
            return 0
        summary = _run(planned, home, reporter, _cluster(entry, settings, reporter))
        keep_reports(entry, home.run_folder(summary.key), blobs)
        reporter.flush()
        reporter.stop()
        verdicts = {name: one.judgement.sentence for name, one in summary.findings.items()}
        desk.done(verdicts, summary.tracking_behind)
    except Interrupted as stop:
        print(f"stopped by {stop}", flush=True)
        return 143
    except Exception as error:
        return _explained(error, desk, reporter)
    return 0


def unpack(entry: Entry, blobs: Blobs, folder: Path) -> Path:
    """Write what was submitted into a folder, which is its own.

    Raises:
        ArchduelError: the store lost a file, or cannot be read now.
    """
    for file in entry.files:
        path = folder / check_path(file.path)  # checked when it was submitted, too
        if not (path.is_file() and path.stat().st_size == file.size):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(blobs.fetch(file.sha256))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CONFIG).write_text(entry.config, encoding="utf-8")
    return folder


def plan(entry: Entry, home: Home, desk: DriverDesk) -> Planned | None:
    """What is to be done, under a name that no other submission has.

    Returns:
        None where an extension was asked for that cannot be: the entry is done then, as before.

    Raises:
        UserError: a mistake in what was submitted.
    """
    if not entry.extensions:
        planned = planning.load(Path(CONFIG), entry.overrides)
        return planning.named(planned, entry.ledger_name)
    from service.app import extending, history  # here: few are extended

    ledger = history.experiment(home, entry.ledger_name)
    made = ledger.plan.design.extensions
    if made == entry.extensions:  # begun by an earlier driver
        planned = planning.recorded(ledger.plan, ledger.key)
    else:
        try:
            planned = extending.extend(home, ledger.key, entry.extensions[-1]).planned
        except UserError as error:
            desk.not_extended(str(error), made)
            return None
    return planning.named(planned, entry.ledger_name)


def _cluster(entry: Entry, settings: Settings, reporter: Reporter) -> Cluster:
    warm = Warm(entry.owner, settings.warm_seconds) if settings.warm_seconds else None
    address = os.environ.get("RAY_ADDRESS", "auto")
    return Cluster(
        address,
        shares_disk=settings.shares_disk,
        warm=warm,
        groups=settings.ray_groups,
        limit=lambda: reporter.max_parallel,
    )


def _run(planned: Planned, home: Home, reporter: Reporter, cluster: Cluster) -> Summary:
    """Run it; the driver before this one may still be on its way out."""
    deadline = time.monotonic() + PREDECESSOR
    while True:
        try:
            return running.run(planned, home, reporter, cluster=cluster)
        except InUse as error:
            if time.monotonic() > deadline:
                raise Unavailable(str(error)) from error
            time.sleep(0.5)


def _explained(error: Exception, desk: DriverDesk, reporter: Reporter) -> int:
    """Say as the last word why it ended, and whether trying again may help."""
    if not isinstance(error, ArchduelError):
        traceback.print_exception(error, file=sys.stdout)
    print(error, flush=True)
    with suppress(Unavailable, *_NOT_OURS):
        reporter.flush()  # progress decides whether it is started again
    reporter.stop()
    try:
        _last_word(error, desk)
    except _NOT_OURS as late:
        print(f"not needed any more: {late}", flush=True)
    except Unavailable as silent:  # the dispatcher finds the job ended, and this as its last line
        print(silent, flush=True)
    return 1


def _last_word(error: Exception, desk: DriverDesk) -> None:
    if isinstance(error, _NOT_OURS):
        raise error
    if isinstance(error, Unavailable | NoCluster):
        desk.postponed(str(error), POSTPONED)
    elif isinstance(error, UserError):
        desk.failed(str(error))
    elif isinstance(error, OSError) and error.errno in _NO_ROOM:
        reason = f"the disk is full or failing ({error}); it goes on when there is room"
        desk.postponed(reason, POSTPONED)
    elif isinstance(error, ArchduelError):
        desk.stumbled(str(error))
    else:
        desk.stumbled(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
