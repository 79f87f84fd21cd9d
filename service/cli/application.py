"""`archduel` and its commands."""

from __future__ import annotations

from typing import Annotated

import typer

from service.cli import admin_commands, config_commands, local_commands, service_commands
from service.cli.group import Group

_START = "Start with: archduel doctor, then archduel run configs/iris.yaml"

app = typer.Typer(
    name="archduel",
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
)
app.add_typer(local_commands.commands)
app.add_typer(service_commands.commands)
app.add_typer(config_commands.commands)
app.add_typer(admin_commands.commands)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"archduel {version('archduel')}")
        raise typer.Exit


@app.callback(epilog=_START)
def archduel(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Which of two neural-network architectures is better, by how much, at what cost, and how
    sure can one be?"""
