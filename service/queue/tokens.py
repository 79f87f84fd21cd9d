"""Bearer tokens: 256 random bits, of which the database keeps only a hash."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from service.contracts.entry import Role, TokenRow
from service.contracts.errors import UserError
from service.database.engine import Database, now
from service.queue import tables as db
from service.queue.rows import to_token

MARK = "adu_"
"""How every token begins, so that a scanner for leaked secrets knows one."""

_PREFIX = len(MARK) + 8
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,98}")
_USED_EVERY = timedelta(minutes=1)


class Tokens:
    """Who may do what.

    A token is looked up by its first characters and compared whole, by hash, in constant time. Its
    hash needs no salt and no stretching: it stands for 256 random bits, not for a password.

    Args:
        database: the queue's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, user: str, role: Role, expires_in: timedelta | None = None
    ) -> tuple[str, TokenRow]:
        """Make a token.

        Args:
            user: whose; a user may have several.
            role: what it may do.
            expires_in: how long it is good, None for always.

        Returns:
            Its text, which is shown once and kept nowhere, and its row.

        Raises:
            UserError: the name is not one.
        """
        text = MARK + secrets.token_urlsafe(32)
        return text, self._keep(text, user, role, expires_in)

    def ensure(self, text: str, user: str, role: Role) -> None:
        """Make a token of this very text valid: the operator's bootstrap token.

        Raises:
            UserError: it is too short to be a secret, or the name is not one.
        """
        if len(text) < 32:
            raise UserError("must have at least 32 characters", key="ADMIN_TOKEN")
        if self._find(text) is None:
            self._keep(text, user, role, None)

    def check(self, text: str) -> TokenRow | None:
        """Who bears this token; None where it is unknown, expired or revoked."""
        row = self._find(text)
        if row is None or row.revoked is not None:
            return None
        if row.expires is not None and row.expires <= now():
            return None
        self._mark_used(row)
        return to_token(row)

    def all(self) -> list[TokenRow]:
        """All tokens, without their text."""
        with self._database.reading() as connection:
            query = sa.select(db.token).order_by(db.token.c.id)
            return [to_token(row) for row in connection.execute(query)]

    def is_empty(self) -> bool:
        """Whether no token was ever made."""
        with self._database.reading() as connection:
            return connection.scalar(sa.select(sa.exists().where(db.token.c.id > 0))) is False

    def revoke(self, which: str) -> list[TokenRow]:
        """Revoke a token by its number or its first characters, or all of a user's.

        Raises:
            UserError: there is none that is still valid.
        """
        token = db.token.c
        named = sa.or_(token.prefix == which[:_PREFIX], token.user == which)
        if which.isascii() and which.isdigit() and len(which) < 10:
            named = token.id == int(which)
        update = (
            sa.update(db.token)
            .where(named, token.revoked.is_(None))
            .values(revoked=now())
            .returning(db.token)
        )
        with self._database.writing() as connection:
            rows = [to_token(row) for row in connection.execute(update)]
        if not rows:
            hint = "archduel service token list shows them"
            raise UserError("there is no valid token of this number, prefix or user", hint=hint)
        return rows

    def _keep(self, text: str, user: str, role: Role, expires_in: timedelta | None) -> TokenRow:
        if _NAME.fullmatch(user) is None:
            raise UserError(
                "a user's name has letters, digits, and . _ @ -", key="name", value=user[:100]
            )
        expires = None
        if expires_in is not None:
            expires = (datetime.now(UTC) + expires_in).isoformat(timespec="milliseconds")
        values = {
            "user": user,
            "role": str(role),
            "prefix": text[:_PREFIX],
            "hash": _hash(text),
            "created": now(),
            "expires": expires,
        }
        with self._database.writing() as connection:
            insert = sa.insert(db.token).values(values).returning(db.token)
            return to_token(connection.execute(insert).one())

    def _find(self, text: str) -> sa.Row[Any] | None:
        with self._database.reading() as connection:
            query = sa.select(db.token).where(db.token.c.prefix == text[:_PREFIX])
            row = connection.execute(query).first()
        given = _hash(text)
        # Where there is no such prefix the same work is done, against a hash that nothing has.
        same = hmac.compare_digest(row.hash if row is not None else "0" * 64, given)
        return row if same else None

    def _mark_used(self, row: sa.Row[Any]) -> None:
        """Now and then: a write for each request would be too much."""
        recent = (datetime.now(UTC) - _USED_EVERY).isoformat(timespec="milliseconds")
        if row.used is not None and row.used > recent:
            return
        with self._database.writing() as connection:
            connection.execute(
                sa.update(db.token).where(db.token.c.id == row.id).values(used=now())
            )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
