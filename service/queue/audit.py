"""The audit log: who changed what, and when. Lines are only ever added."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from service.contracts.entry import AuditRow
from service.database.engine import Database, now
from service.queue import tables as db
from service.queue.rows import to_audit


class Audit:
    """The audit log.

    Args:
        database: the queue's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, who: str, action: str, subject: str, detail: Mapping[str, Any] | None = None
    ) -> None:
        """Add a line.

        Args:
            who: the user.
            action: what was done ("submit", "cancel", "token add").
            subject: to what.
            detail: JSON; never a secret.
        """
        values = {
            "at": now(),
            "who": who[:100],
            "action": action[:40],
            "subject": subject[:200],
            "detail": json.dumps(dict(detail or {})),
        }
        with self._database.writing() as connection:
            connection.execute(sa.insert(db.audit).values(values))

    def page(self, *, limit: int = 100, before: int | None = None) -> list[AuditRow]:
        """Lines, the newest first; `before` is the last id of the page before."""
        query = sa.select(db.audit).order_by(db.audit.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(db.audit.c.id < before)
        with self._database.reading() as connection:
            return [to_audit(row) for row in connection.execute(query)]
