"""`archduel ui`: look at every training, in MLflow."""

from __future__ import annotations

import signal
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager

from service.app import history
from service.app.tracking_server import serve
from service.cli.group import Stopped
from service.cli.screen import errors, results
from service.cli.session import Session
from service.contracts.errors import ArchduelError


def ui(session: Session, port: int | None, *, open_browser: bool) -> None:
    """Serve MLflow on the home folder's store until Ctrl-C.

    Raises:
        UserError: the port is taken.
        ArchduelError: the server did not start, or ended by itself.
        Stopped: Ctrl-C.
    """
    console = errors()
    uuid = _latest(session)
    console.print("starting MLflow, this takes some seconds ...", style="dim")
    with _signals_as_interrupts():
        try:
            with serve(session.home, port) as server:
                page = server.page(uuid)
                results().print(page, soft_wrap=True)
                console.print("Ctrl-C ends it", style="dim")
                if open_browser:
                    webbrowser.open(page)
                code = server.wait()
        except KeyboardInterrupt:
            raise Stopped("MLflow has ended; archduel ui shows the results again") from None
    raise ArchduelError(f"MLflow's server ended by itself (exit code {code}); see {server.log}")


def _latest(session: Session) -> str | None:
    """The experiment to show, as MLflow knows it."""
    rows = history.experiments(session.home)
    if not rows:
        errors().print("nothing was run yet in this home folder", style="dim")
        return None
    latest = history.experiment(session.home, rows[0].key)
    address = latest.plan.mlflow
    if address is not None:
        note = f"'{latest.key}' is tracked at {address}: open that to see it"
        errors().print(note, soft_wrap=True)
        return None
    return latest.uuid


@contextmanager
def _signals_as_interrupts() -> Iterator[None]:
    """Let SIGTERM and a closed terminal end the server as Ctrl-C does."""
    numbers = [signal.SIGTERM]
    if hasattr(signal, "SIGHUP"):
        numbers.append(signal.SIGHUP)

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
