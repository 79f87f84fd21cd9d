"""What the routes work with, and who asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, BinaryIO, Protocol

from fastapi import Depends, Path, Request

from service.api.limits import Allowance, Places
from service.api.metrics import Metrics
from service.api.problems import Refused
from service.contracts.entry import Entry, Role
from service.contracts.wire import PATTERN_ID, Limits
from service.queue.audit import Audit
from service.queue.queue import Queue
from service.queue.tokens import Tokens


class Files(Protocol):
    """Keeps uploaded files by their hash."""

    def size(self, sha256: str) -> int | None:
        """Bytes of a file that is kept; None where there is none of this hash."""
        ...

    def put(self, sha256: str, content: BinaryIO) -> None:
        """Keep a file whose hash is known to be this."""
        ...


class Results(Protocol):
    """What drivers leave behind."""

    def report(self, entry: Entry, form: str) -> str:
        """The report in one of its forms; a `UserError` says why there is none."""
        ...

    def log(self, entry: Entry) -> str:
        """What the driver's process wrote."""
        ...

    def tracking(self, entry: Entry) -> str | None:
        """The address of the experiment in MLflow, for people."""
        ...

    def forget(self, entry: Entry) -> None:
        """Remove what is kept of an experiment that is deleted."""
        ...


@dataclass(frozen=True)
class Service:
    """What an application serves.

    Args:
        queue: submitted experiments.
        tokens: who may do what.
        audit: hears of every change.
        files: what was uploaded.
        results: reports and logs.
        checks: by part, "ok" or what is wrong with it in one line.
        nudge: wakes the dispatcher.
        limits: what one user may.
        metrics: for Prometheus.
        public: the address under which people reach it, where that is not the one that it sees.
        insecure_local: whether everybody on this machine may do everything, without a token.
        style: the reports' style sheet, which the pages share.
        allowance: requests of each token; `strangers` those without a valid one, by address.
        streams: event streams that are open.
    """

    queue: Queue
    tokens: Tokens
    audit: Audit
    files: Files
    results: Results
    checks: Callable[[], dict[str, str]]
    nudge: Callable[[], None]
    limits: Limits
    metrics: Metrics
    public: str | None
    insecure_local: bool
    style: str
    allowance: Allowance
    strangers: Allowance = field(default_factory=lambda: Allowance(60))
    streams: Places = field(default_factory=lambda: Places(each=20, together=200))

    @property
    def secure(self) -> bool:
        """Whether people reach it over TLS, so that cookies may say so."""
        return self.public is not None and self.public.startswith("https://")


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Args:
        user: the name.
        role: what the token may do.
        token: its number; 0 where none is needed.
    """

    user: str
    role: Role
    token: int

    def require(self, role: Role) -> None:
        """Refuse who may not.

        Raises:
            Refused: 403.
        """
        if not self.role.includes(role):
            raise Refused(403, f"this needs the role {role}; '{self.user}' is {self.role} here")

    def require_own(self, entry: Entry) -> None:
        """Refuse to change what is another user's, but for an admin.

        Raises:
            Refused: 403.
        """
        self.require(Role.SUBMITTER)
        if entry.owner != self.user and self.role is not Role.ADMIN:
            raise Refused(403, f"experiment {entry.id} is {entry.owner}'s; an admin may change it")


def service_of(request: Request) -> Service:
    """What the application that was asked serves."""
    service: Service = request.app.state.service
    return service


def caller_of(request: Request) -> Caller:
    """Who asks; the route's class has made sure of it."""
    caller: Caller = request.state.caller
    return caller


Serves = Annotated[Service, Depends(service_of)]
Asks = Annotated[Caller, Depends(caller_of)]
Id = Annotated[str, Path(pattern=PATTERN_ID, examples=["x0123456789abcdef"])]
