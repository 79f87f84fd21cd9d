"""A Ray of the service's own on this machine: a head in a child process, started again when it dies.

It may outlive a service that was killed: drivers go on meanwhile, and the next service finds it. Only
who has its token may use it.
"""

from __future__ import annotations

import secrets
import socket
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from service.contracts.errors import ArchduelError, Unavailable
from service.execution.daemon import Daemon
from service.execution.ray_jobs import RayJobs, token_headers

START_SECONDS = 120.0
_HOST = "127.0.0.1"


class RayHead:
    """The head.

    Args:
        folder: for its file and its log; nobody else may read it.
        environment: of the head, and with it of every driver and worker.
        stop: once set, nothing is waited for any more.
        cpus: CPUs for trials; None for all.
    """

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        stop: threading.Event | None = None,
        *,
        cpus: int | None = None,
    ) -> None:
        self._daemon = Daemon(folder, "ray")
        self._environment = dict(environment)
        self._stop = stop or threading.Event()
        self._cpus = cpus
        known = self._daemon.facts
        # Port and token stay, whether it lives or not: who waits for it finds it again.
        self._port = int(known.get("port") or _free_port())
        self._token = str(known.get("token") or secrets.token_urlsafe(32))

    @property
    def address(self) -> str:
        """The dashboard's; it stays when the head is started again."""
        return f"http://{_HOST}:{self._port}"

    @property
    def headers(self) -> dict[str, str]:
        """What its job server wants with every request."""
        return token_headers(self._auth())

    def alive(self) -> bool:
        """Whether its main process runs; that one ends when another of Ray's does."""
        return self._daemon.alive()

    def ensure(self) -> bool:
        """See that it runs and answers; returns whether it had to be started.

        Raises:
            ArchduelError: it did not start; the last line of its log is told.
        """
        if not self._daemon.is_needed(self.alive() and self._answers()):
            return False
        self._daemon.stop()
        self._start()
        return True

    def stop(self) -> None:
        """End it with everything that runs in it."""
        self._daemon.stop()

    def _start(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not _is_free(self._port) and time.monotonic() < deadline:
            if self._stop.wait(0.2):  # what is left of the last one lets go of it
                return
        command = [
            *(sys.executable, "-m", "ray.scripts.scripts", "start", "--head", "--block"),
            *("--disable-usage-stats", "--node-ip-address", _HOST, "--port", "0"),
            *("--dashboard-host", _HOST, "--dashboard-port", str(self._port)),
            *("--dashboard-agent-listen-port", str(_free_port())),
            *("--ray-client-server-port", str(_free_port())),
            *("--min-worker-port", "0", "--max-worker-port", "0"),
        ]
        if self._cpus is not None:
            command += ["--num-cpus", str(self._cpus)]
        environment = {**self._environment, **self._auth()}
        self._daemon.start(command, environment, {"port": self._port, "token": self._token})
        while time.monotonic() < deadline:
            if not self.alive():
                raise ArchduelError(f"Ray ended at once: {self._daemon.last_words()}")
            if self._answers() or self._stop.wait(0.2):
                return
        raise ArchduelError(f"Ray does not answer after {START_SECONDS:.0f} s ({self._daemon.log})")

    def _answers(self) -> bool:
        jobs = RayJobs(self.address, (), self.headers)
        try:
            jobs.check()
        except Unavailable:
            return False
        finally:
            jobs.close()
        return True

    def _auth(self) -> dict[str, str]:
        return {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": self._token,
            "RAY_USAGE_STATS_ENABLED": "0",
        }


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    """A free port; above those that Ray's workers would take, and below those of clients."""
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        if _is_free(port):
            return port
