"""An application over a database of its own; drivers and the blob store are stand-ins."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from fastapi import FastAPI

from service.api.application import make
from service.api.context import Service
from service.api.limits import Allowance
from service.api.metrics import Metrics
from service.contracts.entry import Entry, EntryState, Role
from service.contracts.errors import UserError
from service.contracts.wire import Limits
from service.database.engine import Database
from service.database.migrate import migrate
from service.queue.audit import Audit
from service.queue.queue import Limits as QueueLimits
from service.queue.queue import Queue
from service.queue.reports import DriverDesk
from service.queue.tokens import Tokens

CONFIG = "experiment: tiny\npairs: [iris]\nsearch: {trials: 1, epochs: 1, batch: 1}\n"
PAGE = """<!doctype html><html><head>
<meta http-equiv="Content-Security-Policy" content="default-src &#39;none&#39;; script-src &#39;sha256-x&#39;">
</head><body>report</body></html>"""


class Folder:
    """Keeps files in a folder, under their hash."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()

    def size(self, sha256: str) -> int | None:
        file = self.path / sha256
        return file.stat().st_size if file.exists() else None

    def put(self, sha256: str, content: BinaryIO) -> None:
        with (self.path / sha256).open("wb") as file:
            shutil.copyfileobj(content, file)


@dataclass
class Told:
    """Reports and logs that say whose they are."""

    forgotten: list[str] = field(default_factory=list)

    def report(self, entry: Entry, form: str) -> str:
        if entry.ledger_key is None:
            raise UserError(f"experiment {entry.id} has no report yet")
        return PAGE if form == "html" else f"report of {entry.id} as {form}"

    def log(self, entry: Entry) -> str:
        return f"log of {entry.id}\n"

    def tracking(self, entry: Entry) -> str | None:
        return None if entry.ledger_key is None else "http://mlflow.example/#/experiments/1"

    def forget(self, entry: Entry) -> None:
        self.forgotten.append(entry.id)


class Rig:
    """A service, its application, and tokens of every kind.

    Args:
        folder: an empty one.
        options: of `Service`, in place of the usual ones.
    """

    def __init__(self, folder: Path, **options: Any) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "queue.db").write_bytes(_empty())
        self.database = Database(f"sqlite:///{folder / 'queue.db'}")
        self.queue = Queue(self.database, QueueLimits(max_running=1000, user_running=1000))
        self.tokens = Tokens(self.database)
        self.audit = Audit(self.database)
        self.results = Told()
        self.files = Folder(folder / "files")
        self.state = {"database": "ok", "store": "ok", "ray": "ok", "mlflow": "ok"}
        self.nudges = 0
        limits = options.pop(
            "limits", Limits(upload_bytes=100_000, queued=1000, per_minute=100_000)
        )
        values: dict[str, Any] = {
            "queue": self.queue, "tokens": self.tokens, "audit": self.audit, "files": self.files,
            "results": self.results, "checks": lambda: self.state, "nudge": self.nudge, "limits": limits,
            "metrics": Metrics(self.queue.counts), "public": None, "insecure_local": False,
            "style": "body {}", "allowance": Allowance(limits.per_minute),
            "strangers": Allowance(100_000),
        }  # fmt: skip
        self.service = Service(**{**values, **options})
        self.app: FastAPI = make(self.service)
        made = [("vera", Role.VIEWER), ("sam", Role.SUBMITTER), ("sue", Role.SUBMITTER)]
        made.append(("ada", Role.ADMIN))
        self.token = {user: self.tokens.add(user, role)[0] for user, role in made}

    def nudge(self) -> None:
        """Count how often the dispatcher is woken."""
        self.nudges += 1

    def bearer(self, user: str) -> dict[str, str]:
        """The header of a user."""
        return {"Authorization": f"Bearer {self.token[user]}"}

    def drive(self, identity: str, done: bool = True) -> None:
        """Do what the dispatcher and a driver do with what waits first, which must be this one."""
        entry = self.queue.claim("here")
        assert entry is not None
        assert entry.id == identity
        desk = DriverDesk(self.database, identity, entry.attempt)
        desk.begin()
        desk.say("loading data")
        desk.progress(3, 5, 1.5)
        if done:
            desk.done({"iris": "functional is better by 2 points"}, None)

    def state_of(self, identity: str) -> EntryState:
        """How an experiment stands."""
        return self.queue.get(identity).state


@cache
def _empty() -> bytes:
    """A database that has its tables and nothing in them: made once, it takes a while."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/queue.db")
        migrate(database)
        database.engine.dispose()
        return (Path(folder) / "queue.db").read_bytes()


def sha256(content: bytes) -> str:
    """Of these bytes, in hexadecimal."""
    return hashlib.sha256(content).hexdigest()
