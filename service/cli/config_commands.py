"""What sets this machine up for a service: the commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from service.cli.options import AsJson
from service.cli.service_commands import PANEL
from service.cli.session import begin as _session

commands = typer.Typer()
config_app = typer.Typer(no_args_is_help=True)
commands.add_typer(
    config_app, name="config", rich_help_panel=PANEL, help="Set this machine up for a service."
)


@config_app.callback()
def config() -> None:
    """Set this machine up for a service."""


@config_app.command()
def init(
    context: typer.Context,
    release: Annotated[
        str, typer.Option(metavar="NAME", help="What `helm install` was told to call it.")
    ] = "archduel",
    namespace: Annotated[
        str | None, typer.Option("--namespace", "-n", metavar="NAME", show_default="kubectl's")
    ] = None,
    kube_context: Annotated[
        str | None, typer.Option("--context", metavar="NAME", show_default="kubectl's")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="What to call it here.", show_default="the release"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Remember a service on Kubernetes by what kubectl tells: its address, or the port-forward that
    reaches it, and its first admin's token."""
    from service.cli.config import init as do

    do(_session(context), release, namespace, kube_context, name, as_json=as_json)
