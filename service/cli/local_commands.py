"""What runs on this machine: the commands and their options. What a command does is imported when it is
called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from service.cli.options import (
    Address,
    AsJson,
    Config,
    ExecutorOption,
    FormatOption,
    HomeFolder,
    ProfileName,
    Run,
    Sets,
    is_at_a_service,
)
from service.cli.session import begin as _session

PANEL = "On this machine"

commands = typer.Typer()
pairs_app = typer.Typer(invoke_without_command=True)
commands.add_typer(pairs_app, name="pairs", rich_help_panel=PANEL)


@pairs_app.callback()
def pairs(context: typer.Context, as_json: AsJson = False) -> None:
    """List the pairs that can be compared; `show NAME` tells all about one."""
    if context.invoked_subcommand is None:
        from service.cli.pairs import list_pairs

        list_pairs(_session(context), as_json=as_json)


@pairs_app.command("show")
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="A name, ./file.py:PAIR or package.module:PAIR.")],
    as_json: AsJson = False,
) -> None:
    """Tell what a pair asks, of which data, and what is searched."""
    from service.cli.pairs import show_pair

    show_pair(_session(context), name, as_json=as_json)


@commands.command(rich_help_panel=PANEL)
def plan(
    context: typer.Context,
    config: Config,
    sets: Sets = None,
    noise: Annotated[
        float | None,
        typer.Option(
            metavar="SD",
            help="A guess of the standard deviation of a repetition's difference, in the metric's "
            "unit: 0.02 is 2 points of accuracy.",
            show_default="as in earlier runs of the pair",
        ),
    ] = None,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate", help="Time a few steps of each model here, and tell how long it takes."
        ),
    ] = False,
    home: HomeFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show what a config would do, what it costs and what it could find. Trains nothing."""
    from service.cli.plan import plan as do

    do(_session(context, home), config, sets or [], noise, calibrate=calibrate, as_json=as_json)


@commands.command(rich_help_panel=PANEL)
def run(
    context: typer.Context,
    config: Config,
    sets: Sets = None,
    home: HomeFolder = None,
    executor: Annotated[
        ExecutorOption, typer.Option(help="Where trainings run: on Ray, or in this process.")
    ] = ExecutorOption.RAY,
    address: Address = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start anew; what was recorded before is kept too.")
    ] = False,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the result only.")] = False,
) -> None:
    """Run an experiment, or go on with one that was stopped.

    Ctrl-C stops it; the same command goes on from there."""
    from service.cli.run import run as do

    session = _session(context, home, creates=True)
    do(
        session, config, sets or [], executor.value, address,
        fresh=fresh, as_json=as_json, quiet=quiet,
    )  # fmt: skip


@commands.command(rich_help_panel=PANEL)
def extend(
    context: typer.Context,
    repetitions: Annotated[
        int, typer.Option(metavar="N", help="How many more repetitions.", show_default=False)
    ],
    run: Run = None,
    home: HomeFolder = None,
    executor: Annotated[
        ExecutorOption, typer.Option(help="Where trainings run: on Ray, or in this process.")
    ] = ExecutorOption.RAY,
    address: Address = None,
    profile: ProfileName = None,
    as_json: AsJson = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print the result only.")] = False,
) -> None:
    """Go on with a run that ended inconclusive, and say what that does to its error rate.

    It costs the share of alpha that `design.reserve` kept; without one the error rate rises, to
    less than twice the plan's however often one extends. With a service's id or --profile the service
    goes on with it."""
    if is_at_a_service(run, profile):
        from service.cli.changes import extend as remotely

        remotely(_session(context), profile, run, repetitions, as_json=as_json)
        return
    from service.cli.extend import extend as do

    session = _session(context, home, creates=True)
    do(session, run, repetitions, executor.value, address, as_json=as_json, quiet=quiet)


@commands.command(rich_help_panel=PANEL)
def report(
    context: typer.Context,
    run: Run = None,
    form: Annotated[
        FormatOption, typer.Option("--format", help="html goes to a file, the others to stdout.")
    ] = FormatOption.HTML,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="Write it here; - is stdout.", show_default="the run's folder"
        ),
    ] = None,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify",
            help="Make every printed number of its written reports again, from the rows in them. "
            "RUN may be a report's file.",
        ),
    ] = False,
    home: HomeFolder = None,
    profile: ProfileName = None,
) -> None:
    """Report what a run found, from what was recorded; nothing is trained.

    With a service's id or --profile it is fetched from the service."""
    if is_at_a_service(run, profile):
        from service.cli.fetching import report as remotely

        remotely(_session(context), profile, run, form.value, out, verify=verify)
        return
    from service.cli import report as command

    session = _session(context, home)
    if verify:
        command.verify(session, run)
    else:
        command.report(session, run, form.value, out)


@commands.command(rich_help_panel=PANEL)
def compare(
    context: typer.Context,
    first: Annotated[str, typer.Argument(metavar="RUN", help="Its name in `archduel runs`.")],
    second: Annotated[str, typer.Argument(metavar="RUN", help="Another one's.")],
    home: HomeFolder = None,
) -> None:
    """Put two runs side by side, differences first."""
    from service.cli.compare import compare as do

    do(_session(context, home), first, second)


@commands.command(rich_help_panel=PANEL)
def check(
    context: typer.Context,
    run: Run = None,
    require: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help='Such as "functional >= sequential by 0.005", in the metric\'s unit.',
            show_default=False,
        ),
    ] = ...,  # type: ignore[assignment]
    home: HomeFolder = None,
    as_json: AsJson = False,
) -> None:
    """Ask whether a run meets a requirement: exit code 0 if its intervals show it, 1 if not."""
    from service.cli.compare import check as do

    do(_session(context, home), run, require, as_json=as_json)


@commands.command(rich_help_panel=PANEL)
def runs(context: typer.Context, home: HomeFolder = None, as_json: AsJson = False) -> None:
    """List what was run, with its verdicts."""
    from service.cli.runs import runs as do

    do(_session(context, home), as_json=as_json)


@commands.command(rich_help_panel=PANEL)
def sync(
    context: typer.Context,
    run: Annotated[
        str | None,
        typer.Argument(metavar="RUN", help="Its name in `archduel runs`.", show_default="all"),
    ] = None,
    home: HomeFolder = None,
    as_json: AsJson = False,
) -> None:
    """Send to MLflow what it does not have yet."""
    from service.cli.sync import sync as do

    do(_session(context, home, creates=True), run, as_json=as_json)


@commands.command(rich_help_panel=PANEL)
def ui(
    context: typer.Context,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, metavar="N", show_default="5000, or the next free one"),
    ] = None,
    home: HomeFolder = None,
    open_browser: Annotated[
        bool, typer.Option("--open/--no-open", help="Open it in the browser.")
    ] = False,
) -> None:
    """Show every training in MLflow, until Ctrl-C."""
    from service.cli.ui import ui as do

    do(_session(context, home, creates=True), port, open_browser=open_browser)


@commands.command(rich_help_panel=PANEL)
def doctor(
    context: typer.Context,
    home: HomeFolder = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Also import the backends and start Ray.")
    ] = False,
    address: Address = None,
    as_json: AsJson = False,
) -> None:
    """Check that this machine is ready, and say what to do where it is not."""
    from service.cli.doctor import doctor as do

    do(_session(context, home), deep=deep, address=address, as_json=as_json)
