"""MLflow's server for a service that was given none, started again when it dies."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from service.app import tracking_server
from service.app.home import Home
from service.contracts.errors import ArchduelError
from service.execution.daemon import Daemon


class MlflowDaemon:
    """The server; its address stays when it is started again, so that what was sent there is known.

    Args:
        home: whose store it serves.
        folder: for its file and its log.
        stop: once set, nothing is waited for any more.
    """

    def __init__(self, home: Home, folder: Path, stop: threading.Event) -> None:
        self._home = home
        self._stop = stop
        self._daemon = Daemon(folder, "mlflow")
        self._port = int(self._daemon.facts.get("port") or tracking_server.free_port())

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{tracking_server.HOST}:{self._port}"

    def ensure(self) -> bool:
        """See that it runs and answers; returns whether it had to be started.

        Raises:
            ArchduelError: it did not start.
        """
        if not self._daemon.is_needed(tracking_server.answers(self.url)):
            return False
        from service.stores.mlflow_client import open_client

        self._daemon.stop()
        self._home.artifacts.parent.mkdir(parents=True, exist_ok=True)
        open_client(self._home.mlflow_uri)  # makes a store that is missing
        if self._stop.is_set():
            return False
        command = tracking_server.command(self._home, self._port)
        self._daemon.start(command, tracking_server.environment(), {"port": self._port})
        deadline = time.monotonic() + tracking_server.START_SECONDS
        while time.monotonic() < deadline:
            if tracking_server.answers(self.url):
                return True
            if not self._daemon.alive():
                raise ArchduelError(f"MLflow ended at once: {self._daemon.last_words()}")
            if self._stop.wait(0.2):
                return True
        raise ArchduelError(f"MLflow does not answer ({self._daemon.log})")

    def stop(self) -> None:
        """End it with everything that it started."""
        self._daemon.stop()
