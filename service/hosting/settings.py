"""The service's settings: from the environment, or from a YAML file; every mistake is one line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from service.contracts.errors import ArchduelError, did_you_mean
from service.contracts.nodes import NodeGroups
from service.plan.document import KeyPath, parse, read_text
from service.plan.problems import explain

PREFIX = "ARCHDUEL_"
SETTINGS = PREFIX + "SETTINGS"
"""Names the YAML file where `--settings` does not."""

_CLIENT = ("URL", "TOKEN", "TOKEN_FILE", "PROFILE", "PROFILES")
_NOT_OURS = {PREFIX + name for name in ("SETTINGS", "DEBUG", *_CLIENT)}
"""Variables of archduel that are no settings of the service: those of the command line."""

_FILE = "_FILE"


class SettingsError(ArchduelError):
    """Mistakes in the settings, one line each.

    Args:
        lines: the mistakes.
    """

    exit_code = 2

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        super().__init__("\n".join(lines))


def _absolute(path: Path) -> Path:
    return path.expanduser().resolve()


def _address(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return url.rstrip("/")


def _database(url: SecretStr) -> SecretStr:
    if not url.get_secret_value().startswith(("sqlite:///", "postgresql://", "postgresql+psycopg")):
        raise ValueError("must begin with sqlite:/// or postgresql://")
    return url


def _token(text: SecretStr) -> SecretStr:
    if len(text.get_secret_value()) < 32:
        raise ValueError("must have at least 32 characters")
    return text


Folder = Annotated[Path, AfterValidator(_absolute)]
Address = Annotated[str, AfterValidator(_address)]


class Settings(BaseModel):
    """All settings of the service; docs/service.md has them as a table, which a test keeps true."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Folder = Field(
        default=Path("~/.archduel"),
        validate_default=True,
        description="folder of everything that has no place of its own",
    )
    database_url: Annotated[SecretStr, AfterValidator(_database)] | None = Field(
        default=None,
        description="database of the ledger and the queue, `postgresql://user:password@host/name`; "
        "unset: SQLite, `ledger.db` in the home",
    )
    store_url: str | None = Field(
        default=None,
        description="where uploads, reports and logs lie, `s3://bucket/prefix` (with AWS_* for "
        "who asks) or `file:///folder`; unset: `store` in the home",
    )
    s3_endpoint_url: Address | None = Field(
        default=None, description="the S3 server, where it is not Amazon's"
    )
    ray_address: Address | None = Field(
        default=None,
        description="dashboard address of the Ray cluster, `http://head:8265` (RAY_AUTH_MODE and "
        "RAY_AUTH_TOKEN are Ray's own); unset: a Ray of the service's own on this machine",
    )
    ray_groups: NodeGroups = Field(
        default=(),
        description="nodes that Ray's autoscaler may add, as JSON: "
        '`[{"cpus": 8, "gpus": 1, "most": 4}]`; without it only nodes that are there count',
    )
    mlflow_uri: Address | None = Field(
        default=None,
        description="MLflow's tracking server; unset: a server of the service's own on this machine",
    )
    mlflow_public_url: Address | None = Field(
        default=None,
        description="the address under which users reach MLflow, for links, where it is another",
    )
    host: str = Field(default="127.0.0.1", min_length=1, description="where the API listens")
    port: int = Field(default=8700, ge=1, le=65535, description="the API's port")
    public_url: Address | None = Field(
        default=None, description="the address under which users reach the API, for links"
    )
    max_running: int = Field(default=4, ge=1, le=10_000, description="experiments at work at once")
    user_running: int = Field(
        default=4, ge=1, le=10_000, description="experiments of one user at work at once"
    )
    user_queued: int = Field(
        default=1_000, ge=1, le=1_000_000, description="experiments of one user that may wait"
    )
    max_upload_mb: int = Field(
        default=64, ge=1, le=10_000, description="megabytes that one submission may bring"
    )
    lease_seconds: float = Field(
        default=30.0,
        ge=3.0,
        le=3600.0,
        description="a service process that is silent for so long is taken for dead",
    )
    shares_disk: bool = Field(
        default=False,
        description="whether all nodes of the Ray cluster see the home, so that workers write "
        "checkpoints there themselves; so it is with a Ray of the service's own",
    )
    warm_seconds: float = Field(
        default=600.0,
        ge=0.0,
        le=86_400.0,
        description="how long idle workers are kept for their user's next experiment",
    )
    rate_per_minute: int = Field(
        default=600, ge=1, le=1_000_000, description="requests of one token in a minute"
    )
    admin_token: Annotated[SecretStr, AfterValidator(_token)] | None = Field(
        default=None, description="a token of role admin that is valid from the start"
    )
    insecure_local: bool = Field(
        default=False, description="ask for no token; only where the API listens on loopback"
    )

    @property
    def database(self) -> str:
        """The database's address, with its password."""
        if self.database_url is None:
            return f"sqlite:///{self.home / 'ledger.db'}"
        return self.database_url.get_secret_value()

    @property
    def folder(self) -> Path:
        """Where the service keeps what is its own: logs, ports, the token of its Ray."""
        return self.home / "service"

    def for_drivers(self, mlflow: str | None = None) -> dict[str, str]:
        """The environment that tells drivers the same; no secret but the database's address.

        Args:
            mlflow: MLflow's address where it is not set.
        """
        known = {
            "home": str(self.home),
            "database_url": self.database,
            "store_url": self.store,
            "s3_endpoint_url": self.s3_endpoint_url,
            "mlflow_uri": self.mlflow_uri or mlflow,
            "warm_seconds": str(self.warm_seconds),
            "shares_disk": "true" if self.shares_disk or self.ray_address is None else None,
        }
        return {PREFIX + key.upper(): value for key, value in known.items() if value is not None}

    @property
    def store(self) -> str:
        """The blob store's address."""
        return self.store_url or (self.home / "store").as_uri()


def load(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    **given: Any,
) -> Settings:
    """Read and check the settings.

    Args:
        file: a YAML file with keys in small letters; None for the one that ARCHDUEL_SETTINGS names,
            if it does. The environment goes before it.
        environment: os.environ, if it is not given.
        given: what the command line says; it goes before everything.

    Raises:
        SettingsError: all mistakes, each with its place, rule and value (no secret's value).
        UserError: the file cannot be read or is not YAML.
    """
    environment = os.environ if environment is None else environment
    named = environment.get(SETTINGS)
    file = file or (Path(named) if named else None)
    values, places = _from_file(file)
    problems = _from_environment(environment, values, places)
    for key, value in given.items():
        if value is not None:
            values[key], places[key] = value, f"--{key.replace('_', '-')}"
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        problems += [_line(one, values, places) for one in error.errors()]
    else:
        problems += _together(settings)
    if problems:
        raise SettingsError(problems)
    return settings


def _from_file(file: Path | None) -> tuple[dict[str, Any], dict[str, str]]:
    if file is None:
        return {}, {}
    document, lines = parse(read_text(file, str(file)), str(file))
    if document is None:
        document = {}
    if not isinstance(document, dict):
        raise SettingsError([f"{file}: must hold keys with values, such as port: 8700"])
    return document, {key: f"{file}:{lines[_path(key)]}: {key}" for key in document}


def _path(key: str) -> KeyPath:
    return (key,)


def _from_environment(
    environment: Mapping[str, str], values: dict[str, Any], places: dict[str, str]
) -> list[str]:
    problems = []
    known = set(Settings.model_fields)
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or variable in _NOT_OURS:
            continue
        name = variable.removeprefix(PREFIX)
        text = environment[variable]
        key = name.lower()
        if key not in known and name.endswith(_FILE) and key.removesuffix("_file") in known:
            key = key.removesuffix("_file")
            try:
                text = Path(text).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
                problems.append(f"{variable}: the file cannot be read ({reason})")
                continue
        elif key not in known:
            names = [PREFIX + one.upper() for one in known]
            problems.append(f"{variable}: unknown setting; {did_you_mean(variable, names)}")
            continue
        if text:  # as a chart leaves it for what is not set
            values[key], places[key] = text, variable
    return problems


def _line(error: Any, values: Mapping[str, Any], places: Mapping[str, str]) -> str:
    key = str(error["loc"][0])
    place = places.get(key, key)
    if error["type"] == "extra_forbidden":
        return f"{place}: unknown setting; {did_you_mean(key, Settings.model_fields)}"
    rule, value, hint = explain(error)
    secret = "Secret" in str(Settings.model_fields[key].annotation)
    shown = "" if value is None or secret or key == "store_url" else f", but got {value!r}"
    return f"{place}: {rule}{shown}" + (f"; {hint}" if hint else "")


def _together(settings: Settings) -> list[str]:
    """What must hold of several settings."""
    if settings.insecure_local and not _is_loopback(settings.host):
        return [
            f"{PREFIX}INSECURE_LOCAL: only where {PREFIX}HOST is 127.0.0.1, ::1 or localhost, "
            f"but it is {settings.host!r}"
        ]
    return []


def _is_loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")


def table() -> str:
    """The settings as the table of docs/service.md, in Markdown."""
    lines = ["| setting | default | meaning |", "| --- | --- | --- |"]
    for key, field in Settings.model_fields.items():
        default = "" if field.default in (None, False, ()) else f"`{field.default}`"
        lines.append(f"| `{PREFIX}{key.upper()}` | {default} | {field.description} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
