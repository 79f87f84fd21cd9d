"""The chart's containers as processes: their commands, environment and Secrets as rendered."""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

IMAGE = {
    "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "RAY_USAGE_STATS_ENABLED": "0",
}
"""What the image sets, as far as processes here need it."""


RESTARTS = 3
"""On a machine that is busy, Ray gives up a start that takes too long."""


@dataclass
class Container:
    """A container without its image: the programs are those of this environment.

    Args:
        spec: as rendered.
        secrets: values by (secret, key).
        folder: what stands for its writable volumes, and holds its log.
        more: variables that KubeRay or a kubelet would add.
    """

    spec: dict[str, Any]
    secrets: dict[tuple[str, str], str]
    folder: Path
    more: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0

    @property
    def log(self) -> Path:
        return self.folder / f"{self.spec['name']}.log"

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of ours but the search path."""
        found = {}
        for one in self.spec.get("env", []):
            source = one.get("valueFrom", {}).get("secretKeyRef")
            found[one["name"]] = (
                self.secrets[source["name"], source["key"]] if source else self._place(one["value"])
            )
        return {**IMAGE, **found, **self.more}

    def command(self) -> list[str]:
        """As rendered, `$(NAME)` expanded as Kubernetes does it."""
        words = [*self.spec["command"], *self.spec.get("args", [])]
        for name, value in self.environment.items():
            words = [word.replace(f"$({name})", value) for word in words]
        return [self._place(word) for word in words]

    def start(self) -> None:
        """Start it and leave it running."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), env=self.environment, cwd=self.folder,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def run(self, **changed: str) -> subprocess.CompletedProcess[str]:
        """Run it to its end, with some variables changed."""
        return subprocess.run(
            self.command(), env={**self.environment, **changed}, cwd=self.folder,
            capture_output=True, text=True, timeout=300,
        )  # fmt: skip

    def wait_until(self, probe: str, seconds: float = 240.0) -> None:
        """Wait until one of its HTTP probes succeeds, asked as a kubelet asks.

        What ends meanwhile is started again, as a kubelet does.
        """
        request = self.spec[probe]["httpGet"]
        named = {port["name"]: port["containerPort"] for port in self.spec.get("ports", [])}
        url = f"http://127.0.0.1:{named.get(request['port'], request['port'])}{request['path']}"
        deadline = time.monotonic() + seconds
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                return
            except (urllib.error.URLError, OSError) as error:
                assert self.process is not None
                if self.process.poll() is not None and self.restarts < RESTARTS:
                    self.restarts += 1
                    self.start()
                elif self.process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(
                        f"{url}: {error}\n{self.log.read_text()[-3000:]}"
                    ) from error
            time.sleep(0.2)

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """End it with all that it started."""
        assert self.process is not None
        try:
            os.kill(self.process.pid, by)
            return self.process.wait(timeout=60)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            return -1
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def _place(self, text: str) -> str:
        """A path of the container as one on this machine."""
        for inside, name in (("/var/lib/archduel", "home"), ("/data", "data"), ("/tests", "tests")):
            if text.endswith(inside) or f"{inside}/" in text:
                outside = self.folder / name
                outside.mkdir(exist_ok=True)
                text = text.replace(inside, str(outside))
        return text


def secret_values(documents: tuple[dict[str, Any], ...]) -> dict[tuple[str, str], str]:
    """What the rendered Secrets hold."""
    return {
        (one["metadata"]["name"], key): base64.b64decode(value).decode()
        for one in documents
        if one["kind"] == "Secret"
        for key, value in one["data"].items()
    }


def serve_port(port: int, target: int) -> None:
    """What a Service does: pass connections on, for as long as this process lives."""
    server = socket.create_server(("127.0.0.1", port))

    def accept() -> None:
        while True:
            ours, _ = server.accept()
            theirs = socket.create_connection(("127.0.0.1", target))
            for source, sink in ((ours, theirs), (theirs, ours)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        sink.close()
