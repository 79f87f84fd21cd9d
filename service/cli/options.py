"""Options that several commands have, told once."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

_SERVICE_ID = re.compile("x[0-9a-z]{16}")

Config = Annotated[
    Path, typer.Argument(metavar="CONFIG", help="The experiment's YAML file.", show_default=False)
]

Run = Annotated[
    str | None,
    typer.Argument(metavar="RUN", help="Its name in `archduel runs`.", show_default="the latest"),
]

Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Replace a value of the config, such as search.trials=16; may be repeated.",
        show_default=False,
    ),
]

HomeFolder = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        help="Where results are kept.",
        show_default="$ARCHDUEL_HOME, or ~/.archduel",
    ),
]

Address = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="A Ray cluster: ray://host:10001, host:6379 or auto.",
        show_default="a private one on this machine",
    ),
]

ProfileName = Annotated[
    str | None,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="Which service, as `archduel login` keeps it.",
        show_default="$ARCHDUEL_URL, or the last login",
    ),
]

ServiceRun = Annotated[
    str | None,
    typer.Argument(
        metavar="RUN", help="Its id or name in `archduel list`.", show_default="your latest"
    ),
]

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


class ExecutorOption(StrEnum):
    """Where trials run."""

    RAY = "ray"
    INLINE = "inline"


class FormatOption(StrEnum):
    """Forms of a report."""

    HTML = "html"
    MD = "md"
    TEX = "tex"
    CSV = "csv"
    JSON = "json"
    TXT = "txt"


def is_at_a_service(run: str | None, profile: str | None) -> bool:
    """Whether a command that also works on this machine means a service's experiment: it was given
    the id that a service made ("x" and 16 letters or digits), or a service."""
    return profile is not None or (run is not None and _SERVICE_ID.fullmatch(run) is not None)
