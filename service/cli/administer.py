"""`archduel service`: the database and the tokens, on the service's machine."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer
from rich.text import Text

from service.cli.remote import moment
from service.cli.screen import errors, results, table, write_json
from service.cli.session import Session
from service.contracts.entry import Role, TokenRow
from service.contracts.errors import UserError
from service.hosting import upkeep
from service.hosting.settings import Settings, load

_SPAN = re.compile(r"(\d{1,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def migrate(
    session: Session, settings: Path | None, home: Path | None, *, check: bool, as_json: bool
) -> None:
    """Bring the database up to date, or say that it is not.

    Raises:
        UserError: the settings have mistakes, or a newer archduel wrote the database.
        typer.Exit: with 1, if it was only to be checked and must be migrated.
    """
    before, after = upkeep.migrate(_settings(settings, home), check=check)
    if as_json:
        write_json({"before": before, "after": after, "current": before == after})
    elif before == after:
        results().print(f"the database is up to date (revision {after})")
    elif check:
        known = before or "no tables of archduel"
        results().print(f"the database has {known}; this archduel needs revision {after}")
    else:
        results().print(f"the database went from revision {before or 'none'} to {after}")
    if check and before != after:
        if not as_json:
            errors().print("next: archduel service migrate", style="dim")
        raise typer.Exit(1)


def add_token(
    session: Session, settings: Path | None, home: Path | None, name: str, role: str,
    expires: str | None, *, as_json: bool,
) -> None:  # fmt: skip
    """Make a token and print it, alone on stdout.

    Raises:
        UserError: the name or the time is none.
    """
    span = None if expires is None else _span(expires)
    text, row = upkeep.add_token(_settings(settings, home), name, Role(role), span)
    if as_json:
        write_json({"token": text, **asdict(row)})
        return
    until = f", until {moment(row.expires)} UTC" if row.expires else ""
    errors().print(
        f"a token for {row.user} ({row.role}{until}); it is shown only now:", soft_wrap=True
    )
    results().print(text, soft_wrap=True, markup=False)
    errors().print("\nnext: archduel login URL  there, where it is used", style="dim")


def list_tokens(
    session: Session, settings: Path | None, home: Path | None, *, as_json: bool
) -> None:
    """Print all tokens, without their text."""
    rows = upkeep.tokens(_settings(settings, home))
    if as_json:
        write_json([asdict(row) for row in rows])
        return
    listed = table("number", "user", "role", "begins", "made (UTC)", "used", "state")
    for row in rows:
        word, style = _state(row)
        listed.add_row(
            str(row.id), row.user, str(row.role), row.prefix, moment(row.created),
            moment(row.used or "") or "never", Text(word, style=style),
        )  # fmt: skip
    results().print(listed)
    errors().print("\nnext: archduel service token revoke NUMBER", style="dim")


def revoke_token(
    session: Session, settings: Path | None, home: Path | None, which: str, *, as_json: bool
) -> None:
    """Make tokens worthless.

    Raises:
        UserError: there is none that is still valid.
    """
    rows = upkeep.revoke_token(_settings(settings, home), which)
    if as_json:
        write_json([asdict(row) for row in rows])
        return
    for row in rows:
        results().print(f"revoked token {row.id} of {row.user} ({row.prefix}...)", soft_wrap=True)
    errors().print("\nnext: archduel service token list", style="dim")


def _settings(file: Path | None, home: Path | None) -> Settings:
    return load(file, home=home)


def _span(text: str) -> timedelta:
    found = _SPAN.fullmatch(text)
    if found is None or int(found[1]) == 0:
        raise UserError("must be a time such as 12h, 30d or 8w", key="--expires", value=text)
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _state(row: TokenRow) -> tuple[str, str]:
    if row.revoked is not None:
        return "revoked", "dim"
    if row.expires is not None and row.expires <= datetime.now(UTC).isoformat():
        return "expired", "yellow"
    until = f"until {moment(row.expires)}" if row.expires else "valid"
    return until, "green"
