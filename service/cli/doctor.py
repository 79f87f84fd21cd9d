"""`archduel doctor`: is this machine ready?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.app.doctor import Check, examine
from service.cli.screen import advise, plural, results, write_json
from service.cli.session import Session

_SIGNS = {"ok": ("ok", "green"), "warning": ("warning", "yellow"), "broken": ("broken", "bold red")}


def doctor(session: Session, *, deep: bool, address: str | None, as_json: bool) -> None:
    """Look at everything and say what to do.

    Args:
        session: whose home folder is looked at.
        deep: also import the backends and start Ray, which takes a minute.
        address: a Ray cluster to join, or the http address of Ray's dashboard or of the API: then the
            deployment is looked at, also from inside where this environment is a service's.
        as_json: for scripts.

    Raises:
        typer.Exit: with 1 where something essential is broken.
    """
    console = results()
    checks: list[Check] = []
    for check in _checks(session, deep, address):
        checks.append(check)
        if not as_json:
            _show(console, check)
    broken = sum(check.state == "broken" for check in checks)
    if as_json:
        write_json({"ok": not broken, "checks": [asdict(check) for check in checks]})
    else:
        warned = sum(check.state == "warning" for check in checks)
        told = (
            f"{broken} broken, {plural(warned, 'warning')}" if broken or warned else "all is well"
        )
        console.print(Text(f"\n{told}", style="bold"))
        if not broken:
            advise(session, (("run", "configs/iris.yaml"), "compare two architectures in minutes"))
    if broken:
        raise typer.Exit(1)


def _checks(session: Session, deep: bool, address: str | None) -> Iterator[Check]:
    deployed = address is not None and "://" in address and not address.startswith("ray://")
    yield from examine(session.given, deep=deep, address=None if deployed else address)
    if address is not None and deployed:
        from service.hosting import deployment

        yield from deployment.outside(address)
        yield from deployment.inside()


def _show(console: Console, check: Check) -> None:
    sign, style = _SIGNS[check.state]
    line = Table.grid(padding=(0, 1, 0, 0))
    line.add_column(width=7)
    line.add_column(width=15)
    line.add_column()
    line.add_row(Text(sign, style=style), Text(check.name, style="bold"), Text(check.detail))
    if check.remedy is not None:
        line.add_row("", "", Text(f"-> {check.remedy}", style="cyan"))
    console.print(line)
