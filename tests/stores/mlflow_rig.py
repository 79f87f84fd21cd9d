"""A real `mlflow server`, and a proxy in front of it that fails on request."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import suppress


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """`mlflow server` with one worker on a database that exists already."""

    def __init__(self, folder, template):
        folder.mkdir(parents=True, exist_ok=True)
        self.database = folder / "mlflow.db"
        shutil.copy(template, self.database)
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        command = [
            *(sys.executable, "-m", "mlflow", "server", "--workers", "1"),
            *("--host", "127.0.0.1", "--port", str(self.port)),
            *("--backend-store-uri", f"sqlite:///{self.database}"),
            *("--artifacts-destination", str(folder / "artifacts")),
        ]
        self.log = folder / "server.log"
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=self.log.open("w"),
            stderr=subprocess.STDOUT,
            env={
                **os.environ,
                "MLFLOW_DISABLE_TELEMETRY": "true",
                "DO_NOT_TRACK": "true",
                "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            },
            start_new_session=True,
        )

    def wait(self, seconds=120):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(OSError), urllib.request.urlopen(f"{self.uri}/health", timeout=2):
                return self
            time.sleep(0.2)
        raise AssertionError(self.log.read_text())

    def stop(self):
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Proxy:
    """Forwards to a port; it can be down, swallow answers, or never answer.

    `swallow` holds beginnings of requests whose next answer is lost on the way back; each is lost
    once. While `hang` is set nothing is answered at all.
    """

    def __init__(self, port):
        self._upstream = port
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.swallow = []
        self.swallowed = []
        self.hang = False
        self._listener = None

    def up(self):
        self._listener = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
        threading.Thread(target=self._accept, daemon=True).start()

    def down(self):
        if self._listener is not None:
            self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        if self.hang:
            time.sleep(60)
            return
        upstream = socket.create_connection(("127.0.0.1", self._upstream))
        doomed = threading.Event()

        def forward():
            with suppress(OSError):
                while data := client.recv(65536):
                    for start in list(self.swallow):
                        if data.startswith(start):
                            self.swallow.remove(start)
                            self.swallowed.append(start)
                            doomed.set()
                    upstream.sendall(data)
                upstream.shutdown(socket.SHUT_WR)

        threading.Thread(target=forward, daemon=True).start()
        with suppress(OSError):
            while data := upstream.recv(65536):
                if doomed.is_set():
                    break
                client.sendall(data)
        for one in (client, upstream):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
