"""Where a service is and who one is there: from a profile file that only its owner can read, or
from the environment."""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from platformdirs import user_config_path

from service.contracts.errors import UserError, did_you_mean

URL = "ARCHDUEL_URL"
TOKEN = "ARCHDUEL_TOKEN"
TOKEN_FILE = "ARCHDUEL_TOKEN_FILE"
PROFILE = "ARCHDUEL_PROFILE"
PROFILES = "ARCHDUEL_PROFILES"
"""Names the profile file where it is not the usual one."""

LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_LOGIN = "archduel serve starts one here; archduel login URL remembers one that runs elsewhere"


@dataclass(frozen=True)
class Profile:
    """A service and a name in it.

    Args:
        name: what the profile file calls it, or what the environment variable is called.
        url: such as "https://archduel.example.org", without a slash at its end.
        token: the secret; None where the service asks for none.
    """

    name: str
    url: str
    token: str | None = None

    def __repr__(self) -> str:
        """Without the secret: a traceback shows it."""
        return f"Profile({self.name!r}, {self.url!r})"


def profile_file(environment: Mapping[str, str] = os.environ) -> Path:
    """The file that profiles are kept in."""
    given = environment.get(PROFILES)
    return Path(given).expanduser() if given else user_config_path("archduel") / "profiles.toml"


def choose(name: str | None = None, environment: Mapping[str, str] = os.environ) -> Profile:
    """The profile to use: the one named, else the environment's address, else the default one.

    Args:
        name: of `--profile`.
        environment: ARCHDUEL_URL with ARCHDUEL_TOKEN (or ..._TOKEN_FILE), or
            ARCHDUEL_PROFILE.

    Raises:
        UserError: there is none of this name, or none at all.
    """
    if name is None and environment.get(URL):
        token = _token(environment)
        return Profile(URL, check_url(environment[URL], token, URL), token)
    file = profile_file(environment)
    profiles, default = load(file)
    wanted = name or environment.get(PROFILE) or default
    if wanted is None:
        raise UserError("no service is known here", hint=_LOGIN)
    if wanted not in profiles:
        known = did_you_mean(wanted, profiles) if profiles else _LOGIN
        raise UserError(f"there is no profile '{wanted}'", file=file, hint=known)
    return profiles[wanted]


def _token(environment: Mapping[str, str]) -> str | None:
    file = environment.get(TOKEN_FILE)
    if not file:
        return environment.get(TOKEN) or None
    try:
        return Path(file).expanduser().read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise UserError(f"cannot be read: {reason}", key=TOKEN_FILE, value=file) from None


def check_url(url: str, token: str | None, key: str) -> str:
    """An address to which a token may be sent: over TLS, or to this machine.

    Args:
        url: the address.
        token: what would be sent there.
        key: where it was given, for errors.

    Returns:
        It without a slash at its end.

    Raises:
        UserError: it is no HTTP address, or a token would travel in the clear.
    """
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where the port is no number
    except ValueError:
        raise UserError("must be an address such as https://host", key=key, value=url) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise UserError("must be an address such as https://host", key=key, value=url)
    if parts.username or parts.password:
        raise UserError("must hold no name or password; a token is given apart", key=key)
    if token and parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise UserError(
            "would send the token in the clear",
            key=key,
            value=url,
            hint="use https, or reach it through a tunnel to localhost (kubectl port-forward, ssh -L)",
        )
    return url.rstrip("/")


def load(file: Path) -> tuple[dict[str, Profile], str | None]:
    """Read a profile file.

    Returns:
        The profiles by name, and the name of the default one; nothing where there is no file.

    Raises:
        UserError: others can read it, or it is not what `save` writes.
    """
    try:
        if os.name == "posix" and file.stat().st_mode & 0o077:
            raise UserError(
                "holds tokens and can be read by others", file=file, hint=f"chmod 600 {file}"
            )
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"is not TOML: {error}", file=file) from None
    except OSError as error:
        raise UserError(f"cannot be read: {error.strerror}", file=file) from None
    default, tables = document.get("default"), document.get("profiles", {})
    if not isinstance(tables, dict) or not isinstance(default, str | None):
        raise UserError("must hold default = NAME and tables [profiles.NAME]", file=file)
    return {name: _profile(name, table, file) for name, table in tables.items()}, default


def _profile(name: str, table: object, file: Path) -> Profile:
    key = f"profiles.{name}"
    if not isinstance(table, dict) or not isinstance(table.get("url"), str):
        raise UserError('must hold url = "https://..."', file=file, key=key)
    token = table.get("token")
    if not isinstance(token, str | None):
        raise UserError("must be text", file=file, key=f"{key}.token")
    return Profile(name, check_url(table["url"], token, f"{file}: {key}.url"), token)


def save(profile: Profile, file: Path | None = None, *, default: bool = True) -> Path:
    """Add a profile, or replace the one of its name, in a file that only its owner can read.

    Args:
        profile: the profile.
        file: the profile file, or None for the usual one.
        default: make it the one that is used where none is named.

    Returns:
        The file.

    Raises:
        UserError: the file cannot be written, or holds something else.
    """
    file = file or profile_file()
    profiles, before = load(file)
    profiles[profile.name] = profile
    chosen = profile.name if default or before is None else before
    lines = [f"default = {json.dumps(chosen)}"]
    for name, each in sorted(profiles.items()):
        lines += ["", f"[profiles.{json.dumps(name)}]", f"url = {json.dumps(each.url)}"]
        lines += [] if each.token is None else [f"token = {json.dumps(each.token)}"]
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # mkstemp makes it readable for its owner alone before a secret is in it.
        handle, part = tempfile.mkstemp(prefix=".profiles-", dir=file.parent)
        with open(handle, "w", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")
        os.replace(part, file)
    except OSError as error:
        raise UserError(f"cannot be written: {error.strerror}", file=file) from error
    return file
