"""What the operator of a service does on its machine: migrations and tokens, straight in the database.

Tokens are made here and not over HTTP: who may make them can reach the database.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from service.contracts.entry import Role, TokenRow
from service.database.engine import Database
from service.database.migrate import HEAD, found
from service.database.migrate import migrate as bring_up
from service.hosting.settings import Settings
from service.queue.audit import Audit
from service.queue.tokens import Tokens


def migrate(settings: Settings, *, check: bool) -> tuple[str | None, str]:
    """Bring the database up to this version.

    Args:
        settings: the service's.
        check: only look.

    Returns:
        Its revision before, None where it had none, and the one that this version needs.
    """
    with _database(settings) as database:
        return (found(database), HEAD) if check else bring_up(database)


def add_token(
    settings: Settings, user: str, role: Role, expires_in: timedelta | None
) -> tuple[str, TokenRow]:
    """Make a token; returns its text, which is kept nowhere, and its row."""
    with _database(settings) as database:
        bring_up(database)
        text, row = Tokens(database).add(user, role, expires_in)
        detail = {"role": str(role), "number": row.id, "expires": row.expires}
        Audit(database).add(operator(), "token add", user, detail)
        return text, row


def first_token(settings: Settings) -> str | None:
    """A token of role admin for who starts the service, where nobody ever had one.

    Returns:
        Its text; None where there are tokens.
    """
    with _database(settings) as database:
        if not Tokens(database).is_empty():
            return None
    return add_token(settings, _user() or "admin", Role.ADMIN, None)[0]


def is_valid(settings: Settings, token: str) -> bool:
    """Whether a token is known and good."""
    with _database(settings) as database:
        return Tokens(database).check(token) is not None


def tokens(settings: Settings) -> list[TokenRow]:
    """All tokens, without their text."""
    with _database(settings) as database:
        bring_up(database)
        return Tokens(database).all()


def revoke_token(settings: Settings, which: str) -> list[TokenRow]:
    """Make a token worthless: by its number, its beginning, or all of a user's."""
    with _database(settings) as database:
        bring_up(database)
        rows = Tokens(database).revoke(which)
        for row in rows:
            Audit(database).add(operator(), "token revoke", row.user, {"number": row.id})
        return rows


def operator() -> str:
    """Who works on the service's machine, for the audit log."""
    user = _user()
    return f"{user} (operator)" if user else "operator"


def _user() -> str | None:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return None


@contextmanager
def _database(settings: Settings) -> Iterator[Database]:
    settings.home.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database)
    try:
        yield database
    finally:
        database.engine.dispose()
