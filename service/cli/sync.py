"""`archduel sync`: send to MLflow what it does not have yet."""

from __future__ import annotations

from service.app import history, tracking
from service.cli.screen import advise, errors, results, write_json
from service.cli.session import Session
from service.contracts.errors import ArchduelError


def sync(session: Session, run: str | None, *, as_json: bool) -> None:
    """Send one run, or all of them; what MLflow has already is not sent again.

    Raises:
        UserError: there is no such run.
        ArchduelError: something is still missing in MLflow.
    """
    keys = [row.key for row in history.experiments(session.home)]
    if run is not None or not keys:
        keys = [history.experiment(session.home, run).key]
    console = errors()
    behind: dict[str, str] = {}
    for key in keys:
        ledger = history.experiment(session.home, key)
        missing = tracking.sync(ledger, session.home, ledger.plan, console.print)
        if missing is not None:
            behind[key] = missing
        if not as_json:
            told = "all of it is in MLflow" if missing is None else missing
            results().print(f"{key}: {told}", soft_wrap=True, markup=False)
    if as_json:
        write_json({key: {"behind": behind.get(key)} for key in keys})
    if behind:
        raise ArchduelError(f"MLflow does not have all of {', '.join(behind)} yet; see above")
    if not as_json:
        advise(session, (("ui",), "every training, in MLflow"))
