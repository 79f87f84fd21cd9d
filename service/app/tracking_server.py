"""MLflow's own server on the store of a home folder, as a child process that ends with us."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.app.home import Home
from service.contracts.errors import ArchduelError, UserError
from service.stores.mlflow_client import open_client
from service.stores.mlflow_views import FIRST, has_views

HOST = "127.0.0.1"
PORT = 5000
START_SECONDS = 120.0
"""How long MLflow may take to answer: a cold start with a new store takes about 15 s."""

_STOP_SECONDS = 5.0
_POSIX = os.name == "posix"


@dataclass
class TrackingServer:
    """A running server.

    Args:
        process: MLflow's main process, the leader of a process group.
        url: where it answers.
        log: the file it writes to.
    """

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def wait(self) -> int:
        """Wait until it ends by itself; returns its exit code."""
        return self.process.wait()

    def page(self, uuid: str | None) -> str:
        """Where to look: the page of an experiment of the ledger, or the list of all.

        Args:
            uuid: the experiment's, as the ledger has it.
        """
        return page(self.url, uuid)


def page(url: str, uuid: str | None, seconds: float = 30.0, *, public: str | None = None) -> str:
    """The page of an experiment in MLflow's interface, or the list of all where it is not known.

    Args:
        url: MLflow's, where it is asked.
        uuid: the experiment's, as the ledger has it.
        seconds: how long MLflow may take to answer.
        public: the address under which people reach it, if that is another.
    """
    found = None if uuid is None else _experiment(url, uuid, seconds)
    shown = public or url
    if found is None:
        return shown
    # Without the first word MLflow opens in its mode for language models.
    view = "workflowType=machine_learning"
    if has_views(tag["key"] for tag in found.get("tags", [])):
        view += f"&viewStateShareKey={FIRST}"
    return f"{shown}/#/experiments/{found['experiment_id']}/runs?{view}"


def _experiment(url: str, uuid: str, seconds: float) -> dict[str, Any] | None:
    query = {"max_results": 1, "filter": f"tags.`archduel.ledger` = '{uuid}'"}
    request = urllib.request.Request(
        f"{url}/api/2.0/mlflow/experiments/search",
        data=json.dumps(query).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        found: dict[str, Any] = json.load(_ask(request, seconds))
    except (OSError, ValueError):  # the list of all is a good page too
        return None
    experiments: list[dict[str, Any]] = found.get("experiments", [])
    return experiments[0] if experiments else None


def answers(url: str, seconds: float = 2.0) -> bool:
    """Whether MLflow's server at this address is up."""
    try:
        _ask(urllib.request.Request(f"{url}/health"), seconds).close()
    except OSError:
        return False
    return True


@contextmanager
def serve(home: Home, port: int | None = None) -> Iterator[TrackingServer]:
    """Run MLflow's server for as long as the block runs.

    Args:
        home: whose store is shown.
        port: where it must answer; None for 5000, or a free one where that is taken.

    Raises:
        UserError: the port asked for is taken.
        ArchduelError: MLflow did not start; its last words are told.
    """
    chosen = free_port() if port is None else port
    if port is not None and not _is_free(port):
        raise UserError("is in use", key="--port", value=port, hint="leave it out for a free one")
    folder = home.artifacts.parent
    folder.mkdir(parents=True, exist_ok=True)
    open_client(home.mlflow_uri)  # Makes a store that is missing in one step; the server would not.
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(home, chosen),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment(),
            # Of its own, so that Ctrl-C reaches us alone and we end all of it.
            start_new_session=_POSIX,
        )
    server = TrackingServer(process, f"http://{HOST}:{chosen}", log)
    try:
        _wait_until_it_answers(server)
        yield server
    finally:
        _stop(process)


def command(home: Home, port: int) -> list[str]:
    """The command line of the server, with this environment's Python."""
    return [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--host", HOST, "--port", str(port), "--workers", "1"),
        *("--backend-store-uri", home.mlflow_uri),
        *("--default-artifact-root", home.artifacts.as_uri()),
    ]


def free_port() -> int:
    """MLflow's usual port or one of the next ones, or else any that is free."""
    for port in range(PORT, PORT + 20):
        if _is_free(port):
            return port
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        if _POSIX:  # as servers do: a port whose last connection just ended is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def environment() -> dict[str, str]:
    """The server's: quiet, and in one process."""
    quiet = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        # Nothing here runs jobs: without them MLflow starts one process instead of several.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    return {**quiet, **os.environ}


def _wait_until_it_answers(server: TrackingServer) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise ArchduelError(f"MLflow's server ended at once: {_last_words(server.log)}")
        if answers(server.url):
            return
        time.sleep(0.2)
    raise ArchduelError(
        f"MLflow's server does not answer after {START_SECONDS:.0f} s: {_last_words(server.log)}"
    )


def _ask(request: urllib.request.Request, seconds: float) -> Any:
    """Ask a server on this machine; a proxy of the environment must not hear of it."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(request, timeout=seconds)


def _last_words(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines()]
    last = next((line for line in reversed(lines) if line), "it said nothing")
    return f"{last[:300]} (all of it is in {log})"


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the server and everything that it started."""
    try:
        _signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_SECONDS)
    finally:  # a second Ctrl-C does not wait
        # Its workers may outlive it: whatever is left of the group goes too.
        _signal(process, signal.SIGKILL if _POSIX else signal.SIGTERM)
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        if _POSIX:
            os.killpg(process.pid, number)
        else:
            process.send_signal(number)
