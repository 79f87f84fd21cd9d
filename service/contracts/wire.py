"""What the service and its clients say to each other over HTTP, as JSON."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.contracts.entry import (
    PRIORITIES,
    AuditRow,
    Entry,
    EntryState,
    Event,
    Role,
)
from service.contracts.uploads import MAX_FILES, MAX_PATH

MAX_CONFIG = 64 * 1024
"""Characters of a submitted config; the shipped ones have less than two thousand."""

PATTERN_ID = r"^x[0-9a-z]{16}$"
ID = re.compile(PATTERN_ID)
PATTERN_SHA256 = r"^[0-9a-f]{64}$"


# Databases keep no NUL, and a line for people holds no control character.
Text = Annotated[str, Field(pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]
Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$")]


class Given(BaseModel):
    """What a client sends: an unknown key is a mistake, and a number is not text."""

    model_config = ConfigDict(extra="forbid", strict=True)


class GivenFile(Given):
    """A file that travels with a submission; its bytes are sent to /v1/blobs/{sha256}."""

    path: Annotated[Line, Field(min_length=1, max_length=MAX_PATH)]
    sha256: Annotated[str, Field(pattern=PATTERN_SHA256)]


class GivenExperiment(Given):
    """A submission."""

    config: Annotated[Text, Field(min_length=1, max_length=MAX_CONFIG)] = Field(
        description="The experiment's YAML, as in its file.",
        examples=["experiment: iris\npairs: [iris]\n"],
    )
    overrides: Annotated[
        list[Annotated[Line, Field(min_length=1, max_length=4096)]], Field(max_length=100)
    ] = Field(
        default=[],
        description="Values that replace the config's: 'search.trials=16'.",
        examples=[["search.trials=16"]],
    )
    files: Annotated[list[GivenFile], Field(max_length=MAX_FILES)] = Field(
        default=[], description="Pair files and data, by their path beside the config."
    )
    priority: Annotated[int, Field(ge=PRIORITIES.start, lt=PRIORITIES.stop)] = Field(
        default=0, description="Higher goes first among one user's."
    )
    max_parallel: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="The most trials at once."
    )
    key: Annotated[Line, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="Submitting again with the same key is harmless."
    )
    anew: bool = Field(
        default=False, description="Another experiment although one of this content is known."
    )


class GivenExtension(Given):
    """How many more repetitions an inconclusive experiment gets."""

    repetitions: Annotated[int, Field(ge=2, le=100_000)]


class GivenParallel(Given):
    """How many trials of an experiment may run at once; null for what its config says."""

    max_parallel: Annotated[int, Field(ge=1, le=100_000)] | None


class Experiment(BaseModel):
    """A submitted experiment as it stands."""

    id: str
    owner: str
    name: str
    state: EntryState
    reason: str | None = Field(description="Why it is in this state, in one line.")
    priority: int
    max_parallel: int | None
    attempt: int = Field(description="How often its driver was started.")
    done: int = Field(description="Trainings that are recorded.")
    planned: int = Field(description="Trainings that are planned at most; 0 before it is known.")
    seconds: float = Field(description="Seconds of training.")
    line: str = Field(description="What it said last.")
    verdicts: dict[str, str] = Field(description="By pair, the sentence of its verdict.")
    behind: str | None = Field(description="What MLflow does not have yet.")
    created: str = Field(description="UTC, ISO 8601; so are started, ended and updated.")
    started: str | None
    ended: str | None
    updated: str

    @classmethod
    def of(cls, entry: Entry) -> Experiment:
        """What is told of an entry in a list."""
        return cls.model_validate(
            {name: getattr(entry, name) for name in Experiment.model_fields}
            | {"verdicts": dict(entry.verdicts)}
        )


class File(BaseModel):
    """A file that came with a submission."""

    path: str
    sha256: str
    size: int = Field(description="Bytes.")


class ExperimentInFull(Experiment):
    """A submitted experiment with what was handed in."""

    config: str
    overrides: list[str]
    files: list[File]
    ledger: str | None = Field(description="Its name in the ledger and in MLflow, once it began.")

    @classmethod
    def of(cls, entry: Entry) -> ExperimentInFull:
        """All that is told of an entry."""
        return cls.model_validate(
            Experiment.of(entry).model_dump()
            | {
                "config": entry.config,
                "overrides": list(entry.overrides),
                "files": [vars(file) for file in entry.files],
                "ledger": entry.ledger_key,
            }
        )


class Page(BaseModel):
    """Experiments, the latest submitted first."""

    experiments: list[Experiment]
    before: str | None = Field(description="Ask for those before this id for the next page.")


class Happening(BaseModel):
    """Something that happened to an experiment."""

    id: int
    attempt: int
    at: str
    kind: str = Field(description="state, progress or line.")
    data: dict[str, Any]

    @classmethod
    def of(cls, event: Event) -> Happening:
        """What is told of an event."""
        return cls(
            id=event.id, attempt=event.attempt, at=event.at, kind=event.kind, data=dict(event.data)
        )


class Change(BaseModel):
    """A change that somebody made."""

    id: int
    at: str
    who: str
    action: str
    subject: str
    detail: dict[str, Any]

    @classmethod
    def of(cls, row: AuditRow) -> Change:
        """What is told of a row of the audit log."""
        return cls.model_validate(vars(row) | {"detail": dict(row.detail)})


class Limits(BaseModel):
    """What one user may."""

    upload_bytes: int = Field(description="Of all files of a submission together.")
    queued: int = Field(description="Experiments waiting at once.")
    per_minute: int = Field(description="Requests.")


class Me(BaseModel):
    """Who asks, and of what service."""

    user: str
    role: Role
    version: str = Field(description="archduel's.")
    limits: Limits


class Health(BaseModel):
    """Whether the service's process is alive."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether the service can do its work, and what is wrong where it cannot."""

    ready: bool
    checks: dict[str, str] = Field(description='By part: "ok", or what is wrong in one line.')


class Problem(BaseModel):
    """Why a request was refused."""

    detail: str = Field(description="One line for people.")
    missing: list[str] = Field(
        default=[], description="SHA-256 of files that have to be sent to /v1/blobs first."
    )


class Counts(BaseModel):
    """How many experiments are in each state."""

    states: dict[str, int]
