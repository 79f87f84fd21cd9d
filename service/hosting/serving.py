"""What `archduel serve` is made of: the queue, the dispatcher, and, where none is set, a Ray and an
MLflow of the service's own."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from service.app.home import Home
from service.app.tracking_server import answers, page
from service.contracts.entry import Role
from service.contracts.errors import ArchduelError, Unavailable
from service.database.engine import Database
from service.database.migrate import migrate
from service.dispatch.dispatcher import Dispatcher
from service.execution.ray_head import RayHead
from service.execution.ray_jobs import RayJobs, token_headers
from service.hosting import readiness
from service.hosting.blobs import Blobs
from service.hosting.mlflow_daemon import MlflowDaemon
from service.hosting.results import Results
from service.hosting.settings import PREFIX, Settings
from service.hosting.tidying import tidy
from service.hosting.upholding import Upholding
from service.queue.audit import Audit
from service.queue.behind import queue_behind
from service.queue.queue import Limits, Queue
from service.queue.tokens import Tokens

CATCH_UP_EVERY = 30.0
"""Seconds between two looks for experiments that MLflow does not have wholly."""

DATABASE_SECONDS = 120.0
"""How long a database that does not answer is waited for at the start."""

LOOK_AGAIN = 5.0

FAREWELL = 10.0
"""Seconds that a thread is waited for; one that makes MLflow's store cannot be interrupted."""

DRIVER = ("-m", "service.hosting.driving")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Parts:
    """A service that works: what the API is put on top of.

    Args:
        settings: its.
        queue, tokens, audit: what it keeps.
        blobs: uploads, reports and logs.
        results: what drivers left.
        checks: by part, "ok" or what is wrong with it in one line.
        nudge: to be called when something was submitted or cancelled.
        mlflow: MLflow's address.
    """

    settings: Settings
    queue: Queue
    tokens: Tokens
    audit: Audit
    blobs: Blobs
    results: Results
    checks: Callable[[], dict[str, str]]
    nudge: Callable[[], None]
    mlflow: str


@contextmanager
def working(settings: Settings, say: Say) -> Iterator[Parts]:
    """A service without its API, for as long as the block runs.

    What it finds at work it takes over. When the block ends, a Ray and an MLflow of its own end with
    it; experiments that ran there go on with the next service, and those on a cluster go on at once.

    Args:
        settings: the service's.
        say: hears in one line of what starts and what fails.

    Raises:
        ArchduelError: the database cannot be used, or is another's.
    """
    home = Home.open(settings.home)
    settings.folder.mkdir(exist_ok=True, mode=0o700)
    database = _opened(settings, say)
    queue = Queue(
        database,
        Limits(
            settings.max_running,
            settings.user_running,
            settings.user_queued,
            settings.lease_seconds,
        ),
    )
    tokens = Tokens(database)
    if settings.admin_token is not None:
        tokens.ensure(settings.admin_token.get_secret_value(), "admin", Role.ADMIN)
    blobs = Blobs(settings.store, settings.s3_endpoint_url)
    stop = threading.Event()
    own = settings.mlflow_uri is None
    mlflow = MlflowDaemon(home, settings.folder, stop) if own else None
    mlflow_url = settings.mlflow_uri or (mlflow.url if mlflow else "")
    head = _head(settings, mlflow_url, stop)
    jobs = _jobs(settings, head)
    home = Home(home.path, settings.database, mlflow_url)
    results = Results(
        home,
        blobs,
        jobs,
        lambda uuid: page(mlflow_url, uuid, seconds=3.0, public=settings.mlflow_public_url),
    )
    name = f"{socket.gethostname()[:60]}-{os.getpid()}-{secrets.token_hex(4)}"
    dispatcher = Dispatcher(queue, jobs, name, say=say, keep_log=results.keep_log)
    upholding = Upholding({"Ray": head, "MLflow": mlflow}, stop, say)
    threads = [
        threading.Thread(target=dispatcher.run, args=(stop,), name="dispatcher", daemon=True),
        *upholding.threads(),
        threading.Thread(
            target=_catch_up,
            args=(database, mlflow_url, stop, say),
            name="catching up",
            daemon=True,
        ),
        threading.Thread(
            target=tidy, args=(database, blobs, stop, say), name="tidying", daemon=True
        ),
    ]
    for thread in threads:
        thread.start()
    try:
        yield Parts(
            settings=settings,
            queue=queue,
            tokens=tokens,
            audit=Audit(database),
            blobs=blobs,
            results=results,
            checks=lambda: readiness.checks(database, blobs, jobs, mlflow_url),
            nudge=dispatcher.nudge,
            mlflow=mlflow_url,
        )
    finally:
        stop.set()
        dispatcher.nudge()
        for thread in threads:
            thread.join(FAREWELL)
        upholding.end()
        _release(queue, name)
        jobs.close()
        database.close()


def _opened(settings: Settings, say: Say) -> Database:
    """The database with its tables as they must be; one that does not answer is waited for."""
    deadline = time.monotonic() + DATABASE_SECONDS
    while True:
        database = Database(settings.database)
        try:
            migrate(database)
            return database
        except Unavailable as error:
            database.close()
            if time.monotonic() > deadline:
                raise
            say(f"{error}; trying again for a while")
            time.sleep(LOOK_AGAIN)


def _catch_up(database: Database, mlflow: str, stop: threading.Event, say: Say) -> None:
    """Send to MLflow what it missed while it was away."""
    while not stop.wait(CATCH_UP_EVERY):
        if not answers(mlflow):
            continue
        try:
            for identity in queue_behind(database):
                say(f"{identity}: MLflow gets what it missed")
        except ArchduelError:  # the dispatcher says what is wrong with the database
            continue


def _head(settings: Settings, mlflow: str, stop: threading.Event) -> RayHead | None:
    if settings.ray_address is not None:
        return None
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith((PREFIX, "RAY_ADDRESS"))
    }
    return RayHead(settings.folder, {**kept, **settings.for_drivers(mlflow)}, stop)


def _jobs(settings: Settings, head: RayHead | None) -> RayJobs:
    if head is not None:
        return RayJobs(head.address, [sys.executable, *DRIVER], head.headers)
    assert settings.ray_address is not None
    return RayJobs(settings.ray_address, ["python", *DRIVER], token_headers())


def _release(queue: Queue, name: str) -> None:
    try:
        queue.release(name)
    except ArchduelError as error:  # its leases end by themselves
        print(error, file=sys.stderr)
