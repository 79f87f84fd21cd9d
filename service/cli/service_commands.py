"""What is asked of a service: the commands and their options. What a command does is imported when it
is called."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import AsJson, Config, ProfileName, ServiceRun, Sets
from service.cli.session import begin as _session

PANEL = "On a service"

commands = typer.Typer()

Runs = Annotated[
    list[str],
    typer.Argument(metavar="RUN...", help="Ids or names in `archduel list`.", show_default=False),
]


class StateOption(StrEnum):
    """States of an experiment."""

    QUEUED = "queued"
    STARTING = "starting"
    RUNNING = "running"
    CANCELLING = "cancelling"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@commands.command(rich_help_panel=PANEL)
def submit(
    context: typer.Context,
    config: Config,
    sets: Sets = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Its name.", show_default="as in the config"),
    ] = None,
    priority: Annotated[
        int,
        typer.Option(min=-10, max=10, metavar="N", help="-10 to 10; higher goes first of yours."),
    ] = 0,
    parallel: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="The most trials at once.", show_default="as in the config"
        ),
    ] = None,
    pair_files: Annotated[
        list[str] | None,
        typer.Option(
            "--pair-file",
            metavar="FILE[:PAIR]",
            help="Compare the pair of this file instead of the config's; may be repeated. Files that "
            "the config names travel by themselves.",
            show_default=False,
        ),
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Run it again although the same was submitted before.")
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Show how it advances, until it has ended.")
    ] = False,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Hand an experiment to a service, which gets it done.

    Submitting the same again is harmless. The exit code of --follow is 0 if it is done, 1 if not."""
    from service.cli.submit import submit as do

    do(
        _session(context), profile, config, sets or [], pair_files or [],
        name=name, priority=priority, parallel=parallel, anew=anew, follow=follow, as_json=as_json,
    )  # fmt: skip


@commands.command("list", rich_help_panel=PANEL)
def list_(
    context: typer.Context,
    state: Annotated[
        StateOption | None, typer.Option(help="Those in this state.", show_default="all")
    ] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Those that I submitted.")] = False,
    owner: Annotated[
        str | None, typer.Option(metavar="USER", help="Those of a user.", show_default="all")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, metavar="N", help="At most so many.")] = 20,
    before: Annotated[
        str | None, typer.Option(metavar="ID", help="Those before this one.", show_default=False)
    ] = None,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """List experiments, the latest submitted first (also: ls)."""
    from service.cli.listing import listing

    listing(
        _session(context), profile, state and state.value,
        mine=mine, owner=owner, limit=limit, before=before, as_json=as_json,
    )  # fmt: skip


commands.command("ls", hidden=True)(list_)


@commands.command(rich_help_panel=PANEL)
def status(
    context: typer.Context,
    run: ServiceRun = None,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Tell how an experiment stands."""
    from service.cli.listing import status as do

    do(_session(context), profile, run, as_json=as_json)


@commands.command(rich_help_panel=PANEL)
def logs(
    context: typer.Context,
    run: ServiceRun = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until it has ended.")
    ] = False,
    driver: Annotated[
        bool, typer.Option("--driver", help="What its driver's process wrote, to look for a fault.")
    ] = False,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Tell what happened to an experiment. --json prints one document a line."""
    from service.cli.following import logs as do

    do(_session(context), profile, run, follow=follow, driver=driver, as_json=as_json)


@commands.command(rich_help_panel=PANEL)
def wait(
    context: typer.Context,
    run: ServiceRun = None,
    timeout: Annotated[
        float | None,
        typer.Option(min=0, metavar="SECONDS", help="At most so long.", show_default="no end"),
    ] = None,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Wait until an experiment has ended: exit code 0 if it is done, 1 if not, 124 after --timeout."""
    from service.cli.following import wait as do

    do(_session(context), profile, run, timeout, as_json=as_json)


@commands.command(rich_help_panel=PANEL)
def cancel(
    context: typer.Context, runs: Runs, profile: ProfileName = None, as_json: AsJson = False
) -> None:
    """Stop experiments and everything that they started; what was recorded is kept."""
    from service.cli.changes import cancel as do

    do(_session(context), profile, runs, as_json=as_json)


@commands.command(rich_help_panel=PANEL)
def delete(
    context: typer.Context,
    runs: Runs,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Forget experiments that have ended, with their results and reports."""
    from service.cli.changes import delete as do

    do(_session(context), profile, runs, yes=yes, as_json=as_json)


@commands.command(rich_help_panel=PANEL)
def login(
    context: typer.Context,
    url: Annotated[
        str | None,
        typer.Argument(
            metavar="URL", help="Such as https://archduel.example.org.", show_default="who am I?"
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What to call it.", show_default="its host's name"),
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Holds the token; - is stdin.", show_default="it is asked for"
        ),
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Print the token, for the login of the web page.")
    ] = False,
    profile: ProfileName = None,
    as_json: AsJson = False,
) -> None:
    """Remember a service and your token for it; without URL, tell who you are there."""
    from service.cli import login as command

    session = _session(context)
    if url is None:
        command.who(session, profile, show=show, as_json=as_json)
    else:
        command.login(session, url, name or profile, token_file, as_json=as_json)
