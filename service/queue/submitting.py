"""Taking a submission: once, whatever is sent twice, and not more than a user may."""

from __future__ import annotations

import hashlib
import json

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from service.contracts.entry import (
    PRIORITIES,
    Conflict,
    Entry,
    EntryState,
    Submission,
    TooMany,
)
from service.contracts.errors import UserError
from service.database.engine import Database, now
from service.queue import tables as db
from service.queue.moving import note
from service.queue.rows import content_hash, files_as_json, new_id, to_entry


def submit(database: Database, submission: Submission, user_queued: int) -> tuple[Entry, bool]:
    """Keep a submission, unless it is known.

    Args:
        database: the queue's.
        submission: what was handed in.
        user_queued: how many of one user may wait.

    Returns:
        The entry, and whether it was made now.

    Raises:
        Conflict: the key was used for other content.
        TooMany: so many of this user wait.
        UserError: priority or parallelism are out of range.
    """
    _check(submission)
    content = content_hash(submission)
    for _ in range(2):
        try:
            with database.writing() as connection:
                known = _known(connection, submission, content)
                if known is not None:
                    return known, False
                _refuse_too_many(connection, submission.owner, user_queued)
                return _insert(connection, submission, content), True
        except _Twice:  # Another request inserted it between our look and our insert.
            continue
    raise Conflict("was submitted twice at once; submit it again", key="key")


class _Twice(Exception):
    pass


def _check(submission: Submission) -> None:
    if submission.priority not in PRIORITIES:
        lowest, highest = PRIORITIES[0], PRIORITIES[-1]
        raise UserError(
            f"must be from {lowest} to {highest}", key="priority", value=submission.priority
        )
    if submission.max_parallel is not None and submission.max_parallel < 1:
        raise UserError("must be at least 1", key="max_parallel", value=submission.max_parallel)


def _known(connection: Connection, submission: Submission, content: str) -> Entry | None:
    entry = db.entry.c
    mine = sa.select(db.entry).where(entry.owner == submission.owner)
    if submission.key is not None:
        row = connection.execute(mine.where(entry.key == submission.key)).first()
        if row is not None:
            if row.content != content:
                raise Conflict(
                    f"was used for experiment {row.id}, whose content is another",
                    key="key",
                    value=submission.key,
                )
            return to_entry(row)
    if submission.anew:
        return None
    row = connection.execute(mine.where(entry.twin == content, sa.text(f"({db.LIVING})"))).first()
    return None if row is None else to_entry(row)


def _refuse_too_many(connection: Connection, owner: str, user_queued: int) -> None:
    entry = db.entry.c
    waiting = sa.select(sa.func.count()).where(
        entry.state == str(EntryState.QUEUED), entry.owner == owner
    )
    if (connection.scalar(waiting) or 0) >= user_queued:
        raise TooMany(
            f"{user_queued} experiments of '{owner}' wait already, which is the most that may",
            hint="wait for some to end, or cancel some",
        )


def _insert(connection: Connection, submission: Submission, content: str) -> Entry:
    identity, at = new_id(), now()
    twin = content
    if submission.anew:
        twin = hashlib.sha256(f"{content} {identity}".encode()).hexdigest()
    values = {
        "id": identity,
        "owner": submission.owner,
        "name": submission.name,
        "content": content,
        "twin": twin,
        "key": submission.key,
        "config": submission.config,
        "overrides": json.dumps(submission.overrides),
        "files": files_as_json(submission.files),
        "priority": submission.priority,
        "max_parallel": submission.max_parallel,
        "state": str(EntryState.QUEUED),
        "attempt": 0,
        "fruitless": 0,
        "done_before": 0,
        "wake": 0.0,
        "done": 0,
        "planned": 0,
        "seconds": 0.0,
        "line": "",
        "verdicts": "{}",
        "extensions": "[]",
        "created": at,
        "updated": at,
    }
    try:
        row = connection.execute(sa.insert(db.entry).values(values).returning(db.entry)).one()
    except IntegrityError as error:
        raise _Twice from error
    note(connection, identity, 0, "state", {"state": values["state"], "reason": None})
    return to_entry(row)
