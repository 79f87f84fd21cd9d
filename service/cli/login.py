"""`archduel login`: remember a service, and tell who one is there."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import typer

from service.cli.remote import connected
from service.cli.screen import advise, errors, results, whole, write_json
from service.cli.session import Session
from service.client.api import Api
from service.client.http import Http
from service.client.profiles import TOKEN, Profile, check_url, save
from service.contracts.errors import UserError

STDIN = Path("-")


def login(
    session: Session, url: str, name: str | None, token_file: Path | None, *, as_json: bool
) -> None:
    """Ask the service who bears this token, and keep both.

    Raises:
        UserError: the address is none, the service does not know the token, or the profile file
            cannot be written.
    """
    chosen = name or urlsplit(url).hostname or "service"
    token = _token(token_file)
    profile = Profile(chosen, check_url(url, token, "URL"), token or None)
    with Http(profile) as http:
        me = Api(http).me()
    file = save(profile)
    if as_json:
        write_json({"profile": chosen, "url": profile.url, **me.model_dump(mode="json")})
        return
    results().print(f"logged in at {profile.url} as {me.user} ({me.role})", soft_wrap=True)
    errors().print(f"kept in {file} as '{chosen}'", style="dim", soft_wrap=True)
    advise(session, (("submit", "CONFIG"), "hand in an experiment"), (("list",), "what is there"))


def who(session: Session, profile: str | None, *, show: bool, as_json: bool) -> None:
    """Tell who one is.

    Args:
        session: this call.
        profile: which service.
        show: print the token, alone on stdout.
        as_json: print one document.

    Raises:
        UserError: no service is known, or it does not know the token.
    """
    with connected(session, profile) as api:
        mine = api.http.profile
        if show:
            if mine.token is None:
                raise UserError(f"'{mine.name}' asks for no token")
            sys.stdout.write(f"{mine.token}\n")
            return
        me = api.me()
    if as_json:
        write_json({"profile": mine.name, "url": mine.url, **me.model_dump(mode="json")})
        return
    rows = [
        ("service", mine.url),
        ("profile", mine.name),
        ("user", me.user),
        ("role", str(me.role)),
    ]
    rows.append(("version", me.version))
    results().print(whole(rows), soft_wrap=True)
    advise(session, (("list",), "what is there"))


def _token(file: Path | None) -> str:
    """The token: from a file, from the environment, from a pipe, or from a person."""
    if file is not None and file != STDIN:
        try:
            return file.expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise UserError(
                f"cannot be read: {reason}", key="--token-file", value=str(file)
            ) from None
    if file is None and os.environ.get(TOKEN):
        return os.environ[TOKEN]
    if file == STDIN or not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    return str(typer.prompt("token", hide_input=True, err=True)).strip()
