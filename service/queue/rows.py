"""Between the queue's rows and its words."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from typing import Any

import sqlalchemy as sa

from service.contracts.entry import (
    Attachment,
    AuditRow,
    Entry,
    EntryState,
    Event,
    Role,
    Submission,
    TokenRow,
)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: it sorts as the number does
_TIME, _CHANCE = 9, 7  # digits


_last = 0
_lock = threading.Lock()


def new_id() -> str:
    """An entry's id: "x", then the milliseconds since 1970, then 35 random bits, in base 32.

    Of one process, a later one is always greater.
    """
    global _last
    drawn = (time.time_ns() // 1_000_000 << 5 * _CHANCE) | secrets.randbits(5 * _CHANCE)
    with _lock:
        number = _last = max(drawn, _last + 1)
    digits = [_ALPHABET[number >> 5 * place & 31] for place in range(_TIME + _CHANCE)]
    return "x" + "".join(reversed(digits))


def content_hash(submission: Submission) -> str:
    """The hash of what a submission says to do; its priority and its key are no part of it."""
    document = {
        "name": submission.name,
        "config": submission.config,
        "overrides": list(submission.overrides),
        "files": sorted((file.path, file.sha256) for file in submission.files),
    }
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()


def files_as_json(files: tuple[Attachment, ...]) -> str:
    """Attachments as their column holds them."""
    return json.dumps([[file.path, file.sha256, file.size] for file in files])


def to_entry(row: sa.Row[Any]) -> Entry:
    """An entry from a whole row of its table."""
    return Entry(
        id=row.id,
        owner=row.owner,
        name=row.name,
        content=row.content,
        key=row.key,
        config=row.config,
        overrides=tuple(json.loads(row.overrides)),
        files=tuple(Attachment(*file) for file in json.loads(row.files)),
        priority=row.priority,
        max_parallel=row.max_parallel,
        state=EntryState(row.state),
        reason=row.reason,
        attempt=row.attempt,
        job=row.job,
        holder=row.holder,
        ledger_key=row.ledger_key,
        done=row.done,
        planned=row.planned,
        seconds=row.seconds,
        line=row.line,
        verdicts=json.loads(row.verdicts),
        behind=row.behind,
        extensions=tuple(json.loads(row.extensions)),
        created=row.created,
        started=row.started,
        ended=row.ended,
        updated=row.updated,
    )


def to_event(row: sa.Row[Any]) -> Event:
    """An event from its row."""
    return Event(row.id, row.entry, row.attempt, row.at, row.kind, json.loads(row.data))


def to_token(row: sa.Row[Any]) -> TokenRow:
    """A token from its row, without its hash."""
    return TokenRow(
        row.id,
        row.user,
        Role(row.role),
        row.prefix,
        row.created,
        row.expires,
        row.revoked,
        row.used,
    )


def to_audit(row: sa.Row[Any]) -> AuditRow:
    """A line of the audit log from its row."""
    return AuditRow(row.id, row.at, row.who, row.action, row.subject, json.loads(row.detail))
