"""What a database's errors mean to people, and which of them pass."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, TimeoutError

from service.contracts.errors import ArchduelError, Unavailable


def explain(error: Exception, where: str) -> ArchduelError:
    """One line about a database error: the file or address, what is wrong, what to do.

    Returns:
        `Unavailable` where trying again later may succeed.
    """
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    text = " ".join(str(cause).split())
    low = text.lower()
    for signs, (kind, meaning) in _MEANINGS.items():
        if any(sign in low for sign in signs):
            return kind(f"{where}: {meaning} ({text})")
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return Unavailable(f"{where}: {_GONE} ({text})")
    if isinstance(error, TimeoutError):
        return Unavailable(f"{where}: too many transactions at once ({text})")
    return ArchduelError(f"{where}: the database could not be used: {text}")


_GONE = "the database does not answer; all that was recorded is kept"

_MEANINGS: dict[tuple[str, ...], tuple[type[ArchduelError], str]] = {
    ("database or disk is full", "disk i/o error", "no space left", "disk full"): (
        Unavailable,
        "the disk is full or failing; free some space and run again: all that was recorded is kept",
    ),
    ("database is locked", "database table is locked"): (
        Unavailable,
        "another process keeps the database locked; wait for it or stop it, then run again",
    ),
    ("not a database", "malformed", "corrupt"): (
        ArchduelError,
        "the file is damaged or is not a database; put a backup in its place, or move it away "
        "to start anew",
    ),
    ("unable to open database file",): (
        ArchduelError,
        "the file cannot be opened; check that its folder exists and may be written",
    ),
    ("readonly database", "read-only", "permission denied"): (
        ArchduelError,
        "the database may not be written; check the file's permissions and its folder's",
    ),
    ("no such column", "no such table", "undefinedtable", "undefinedcolumn"): (
        ArchduelError,
        "the database is not of this version; `archduel service migrate` brings it up",
    ),
    ("password authentication failed",): (
        ArchduelError,
        "the database refuses the user or the password; check the address in DATABASE_URL",
    ),
    (
        "connection refused",
        "connection timeout",
        "connection is lost",
        "connection is closed",
        "the connection is closed",
        "server closed the connection",
        "terminating connection",
        "the database system is",
        "could not translate host name",
        "failed to resolve host",
        "consuming input failed",
        "deadlock detected",
        "could not serialize",
    ): (Unavailable, _GONE),
}
