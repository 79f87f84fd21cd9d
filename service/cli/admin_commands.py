"""What runs a service: the commands and their options. What a command does is imported when it is
called."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import AsJson, HomeFolder, ProfileName
from service.cli.session import begin as _session

PANEL = "Running a service"

commands = typer.Typer()
service_app = typer.Typer(no_args_is_help=True)
token_app = typer.Typer(no_args_is_help=True)
commands.add_typer(
    service_app, name="service", rich_help_panel=PANEL, help="Look after a service: its database, "
    "its tokens, its experiments.",
)  # fmt: skip
service_app.add_typer(token_app, name="token", help="Who may use a service; on its machine.")

SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        metavar="FILE",
        help="The service's settings, as YAML.",
        show_default="$ARCHDUEL_SETTINGS, and ARCHDUEL_* of the environment",
    ),
]


class RoleOption(StrEnum):
    """What a token may do."""

    VIEWER = "viewer"
    SUBMITTER = "submitter"
    ADMIN = "admin"


@commands.command(rich_help_panel=PANEL)
def serve(
    context: typer.Context,
    settings: SettingsFile = None,
    host: Annotated[
        str | None, typer.Option(metavar="HOST", show_default="127.0.0.1", help="Listen here.")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, metavar="N", show_default="8700")
    ] = None,
    insecure_local: Annotated[
        bool,
        typer.Option(
            "--insecure-local",
            help="Ask for no token; everybody on this machine may do everything.",
        ),
    ] = False,
    home: HomeFolder = None,
) -> None:
    """Run a service, until Ctrl-C: it takes experiments, and gets them done.

    The first call on a machine makes a token of role admin and logs you in."""
    from service.cli.serve import serve as do

    do(
        _session(context, home, creates=True), settings,
        host=host, port=port, insecure_local=insecure_local or None, home=home,
    )  # fmt: skip


@service_app.command()
def migrate(
    context: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing: exit code 1 if it must be migrated.")
    ] = False,
    settings: SettingsFile = None,
    home: HomeFolder = None,
    as_json: AsJson = False,
) -> None:
    """Bring the database up to this version; nothing recorded is lost."""
    from service.cli.administer import migrate as do

    do(_session(context, home), settings, home, check=check, as_json=as_json)


@token_app.command("add")
def token_add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")],
    role: Annotated[
        RoleOption, typer.Option(help="viewer reads, submitter runs code on the cluster.")
    ],
    expires: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Such as 30d or 12h.", show_default="never"),
    ] = None,
    settings: SettingsFile = None,
    home: HomeFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make a token; it is shown once and kept nowhere."""
    from service.cli.administer import add_token

    add_token(_session(context, home), settings, home, name, role.value, expires, as_json=as_json)


@token_app.command("list")
def token_list(
    context: typer.Context,
    settings: SettingsFile = None,
    home: HomeFolder = None,
    as_json: AsJson = False,
) -> None:
    """List tokens, without their text."""
    from service.cli.administer import list_tokens

    list_tokens(_session(context, home), settings, home, as_json=as_json)


@token_app.command("revoke")
def token_revoke(
    context: typer.Context,
    which: Annotated[
        str, typer.Argument(metavar="TOKEN", help="Its number, its beginning, or the user's name.")
    ],
    settings: SettingsFile = None,
    home: HomeFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make a token, or all of a user's, worth nothing from now on."""
    from service.cli.administer import revoke_token

    revoke_token(_session(context, home), settings, home, which, as_json=as_json)


@service_app.command("set-parallel")
def set_parallel(
    context: typer.Context,
    run: Annotated[str, typer.Argument(metavar="RUN", help="Its id or name in `archduel list`.")],
    most: Annotated[int, typer.Argument(metavar="N", help="0: as its config says.", min=0)],
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Limit how many trials of an experiment run at once, now and from now on."""
    from service.cli.changes import set_parallel as do

    do(_session(context), profile, run, most or None, as_json=as_json)
