"""One submitted experiment as the service knows it: what was given, how it stands, what happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from service.contracts.errors import ArchduelError, UserError


class EntryState(StrEnum):
    """How a submitted experiment stands."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ACTIVE = frozenset({EntryState.STARTING, EntryState.RUNNING, EntryState.CANCELLING})
"""A driver of it may be at work, and a service process holds its lease."""

ENDED = frozenset({EntryState.DONE, EntryState.FAILED, EntryState.CANCELLED})

MOVES: Mapping[EntryState, frozenset[EntryState]] = {
    EntryState.QUEUED: frozenset({EntryState.STARTING, EntryState.CANCELLED}),
    EntryState.STARTING: frozenset(
        {EntryState.RUNNING, EntryState.QUEUED, EntryState.FAILED, EntryState.CANCELLING}
    ),
    EntryState.RUNNING: frozenset(
        {EntryState.DONE, EntryState.FAILED, EntryState.QUEUED, EntryState.CANCELLING}
    ),
    EntryState.CANCELLING: frozenset({EntryState.CANCELLED}),
    EntryState.DONE: frozenset({EntryState.QUEUED}),
    EntryState.FAILED: frozenset(),
    EntryState.CANCELLED: frozenset(),
}
"""From each state, where an entry may go; there is no other way."""

PRIORITIES = range(-10, 11)


@dataclass(frozen=True)
class Attachment:
    """A file that came with a submission; its bytes are in the blob store under their hash.

    Args:
        path: relative to the config's folder, with forward slashes ("pairs/mine.py").
        sha256: hexadecimal.
        size: bytes.
    """

    path: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Submission:
    """What a user hands in.

    Args:
        owner: the user's name.
        name: the experiment's, as the config has it.
        config: its YAML.
        overrides: "a.b=value" each.
        files: the user's own pair files and small data.
        priority: -10 to 10; higher goes first among one user's.
        max_parallel: the most trials at once; None for what the config says.
        key: makes submitting again harmless: one key of one owner is one experiment.
        anew: another experiment although one of the same content is known.
    """

    owner: str
    name: str
    config: str
    overrides: tuple[str, ...] = ()
    files: tuple[Attachment, ...] = ()
    priority: int = 0
    max_parallel: int | None = None
    key: str | None = None
    anew: bool = False


@dataclass(frozen=True)
class Entry:
    """One submitted experiment.

    Args:
        id: "x" and 16 characters that sort by time.
        owner, name, config, overrides, files, priority, max_parallel, key: as submitted.
        content: the hash of config, overrides and files.
        state: how it stands, and `reason` why, in one line for people.
        attempt: how often a driver was started, 0 before the first.
        job: the driver's name at its host: "<id>-<attempt>".
        holder: the service process that looks after it.
        ledger_key: its key in the ledger once that was opened.
        done, planned: trainings.
        seconds: that were trained.
        line: what it last said.
        verdicts: the sentence of each pair's verdict.
        behind: what MLflow did not get, in one line.
        extensions: repetitions that it was extended by, one number for each time.
        created, started, ended, updated: UTC, ISO 8601.
    """

    id: str
    owner: str
    name: str
    content: str
    key: str | None
    config: str
    overrides: tuple[str, ...]
    files: tuple[Attachment, ...]
    priority: int
    max_parallel: int | None
    state: EntryState
    reason: str | None
    attempt: int
    job: str | None
    holder: str | None
    ledger_key: str | None
    done: int
    planned: int
    seconds: float
    line: str
    verdicts: Mapping[str, str]
    behind: str | None
    extensions: tuple[int, ...]
    created: str
    started: str | None
    ended: str | None
    updated: str

    @property
    def ledger_name(self) -> str:
        """The name that its experiment has in the ledger and in MLflow: nobody else's."""
        return f"{self.name}-{self.id}"


@dataclass(frozen=True)
class Event:
    """Something that happened to an entry.

    Args:
        id: grows; events of one entry become visible in this order.
        entry: whose.
        attempt: of the driver that was at work.
        at: UTC, ISO 8601.
        kind: "state" (data: state, reason), "progress" (done, planned, seconds) or "line" (text).
        data: JSON.
    """

    id: int
    entry: str
    attempt: int
    at: str
    kind: str
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Orders:
    """What a driver is told whenever it reports.

    Args:
        cancel: it shall stop.
        max_parallel: the most trials at once from now on; None for what the config says.
    """

    cancel: bool
    max_parallel: int | None


class Role(StrEnum):
    """What a token may do; each may all that those before it may."""

    VIEWER = "viewer"
    SUBMITTER = "submitter"
    ADMIN = "admin"

    def includes(self, needed: Role) -> bool:
        """Whether it may do what `needed` may."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True)
class TokenRow:
    """A token as the service keeps it: never its text.

    Args:
        id: its number.
        user: whose.
        role: what it may do.
        prefix: its first characters, to tell it by.
        created, expires, revoked, used: UTC, ISO 8601; None where that is not so.
    """

    id: int
    user: str
    role: Role
    prefix: str
    created: str
    expires: str | None
    revoked: str | None
    used: str | None


@dataclass(frozen=True)
class AuditRow:
    """A change that somebody made.

    Args:
        id: grows.
        at: UTC, ISO 8601.
        who: the user.
        action: "submit", "cancel", "token add", ...
        subject: what was changed.
        detail: JSON; never a secret.
    """

    id: int
    at: str
    who: str
    action: str
    subject: str
    detail: Mapping[str, Any]


class NoSuchEntry(UserError):
    """There is no experiment of this id."""


class IllegalMove(ArchduelError):
    """An entry cannot go from the state it is in to the one asked for."""


class Conflict(UserError):
    """A key was used before, for something else."""


class TooMany(UserError):
    """The user has as much in the queue as one user may."""


class Stale(ArchduelError):
    """Another driver was started in this one's place: it must end."""
