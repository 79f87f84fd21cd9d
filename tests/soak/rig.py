"""The services under test with all that belongs to them, and what of it can be killed."""

from __future__ import annotations

import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil

from service.client.api import Api
from service.client.http import Http
from service.client.profiles import Profile
from tests.toys.postgres import Postgres

VICTIMS = ("service", "driver", "worker", "raylet", "gcs_server", "mlflow", "postgres")

_START_SECONDS = 600.0
_SIGNS = {
    "driver": "-m service.hosting.driving",
    "worker": "ray::LentWorker",
    "raylet": "raylet/raylet",
    "gcs_server": "gcs/gcs_server",
}


class Service:
    """One `archduel serve` with a Ray and an MLflow of its own.

    Args:
        folder: for everything.
        environment: its settings.
        token: of role admin.
    """

    def __init__(self, folder: Path, environment: dict[str, str], token: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.home = folder / "home"
        self.log = folder / "serve.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        self._profile = Profile("soak", f"http://127.0.0.1:{port}", token)
        self._environment = {
            **environment,
            "ARCHDUEL_HOME": str(self.home),
            "ARCHDUEL_PORT": str(port),
            "ARCHDUEL_PROFILES": str(folder / "profiles.toml"),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def client(self) -> Api:
        """A client with the admin's token."""
        return Api(Http(self._profile))

    def keep_up(self) -> None:
        """Start it again where it died, as a supervisor would."""
        if self._process is None or self._process.poll() is not None:
            command = [str(Path(sys.executable).with_name("archduel")), "serve"]
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    command, env=self._environment, stdout=log, stderr=log, start_new_session=True
                )

    def ready(self) -> bool:
        """Whether every part of it answers."""
        with suppress(Exception), self.client().http as http:
            return bool(http.ask("GET", "/readyz").is_success)
        return False

    def processes(self, victim: str) -> list[psutil.Process]:
        """What of it is of this kind."""
        if victim == "service":
            alive = self._process is not None and self._process.poll() is None
            return [psutil.Process(self._process.pid)] if alive and self._process else []
        if victim == "mlflow":
            return self._of("mlflow")[:1]
        found = []
        for process in self._of("ray"):
            with suppress(psutil.NoSuchProcess):
                line = " ".join(process.cmdline())
                if _SIGNS[victim] in line and not line.startswith("/bin/sh"):
                    found.append(process)
        return found

    def close(self) -> None:
        """End it as a user would, and what is left of it by force."""
        left = [*self._of("ray"), *self._of("mlflow")]
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(60)
            if self._process.poll() is None:
                self._process.kill()
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def _of(self, name: str) -> list[psutil.Process]:
        """A child of the service with all its own, by the file that it left."""
        try:
            known = json.loads((self.home / "service" / f"{name}.json").read_text())
            main = psutil.Process(int(known["pid"]))
            return [main, *main.children(recursive=True)]
        except (OSError, ValueError, psutil.NoSuchProcess):
            return []


class Rig:
    """Services on one PostgreSQL and one store.

    Args:
        folder: for everything.
        count: how many services.
        settings: beside the database: the names of `Settings` with their values.
    """

    def __init__(self, folder: Path, count: int = 1, **settings: object) -> None:
        self.killed: Counter[str] = Counter()
        self.postgres = Postgres()
        self.database = self.postgres.database()
        token = secrets.token_urlsafe(32)
        mine = {
            "database_url": self.database,
            "store_url": (folder / "store").as_uri(),
            "admin_token": token,
            "rate_per_minute": 100_000,
            "lease_seconds": 10,
            **settings,
        }
        kept = {name: value for name, value in os.environ.items() if "ARCHDUEL" not in name}
        given = {f"ARCHDUEL_{name.upper()}": str(value) for name, value in mine.items()}
        self.services = [
            Service(folder / f"service-{number}", {**kept, **given}, token)
            for number in range(count)
        ]

    def keep_up(self) -> None:
        """Start again what a machine's or a cluster's supervisor would: services and PostgreSQL."""
        if not self.postgres.runs:
            self.postgres.start()
        for service in self.services:
            service.keep_up()

    def wait_until_ready(self) -> None:
        """Wait until every part of every service answers."""
        deadline = time.monotonic() + _START_SECONDS
        while not all(service.ready() for service in self.services):
            if time.monotonic() > deadline:
                raise TimeoutError(self.services[0].log.read_text()[-3000:])
            self.keep_up()
            time.sleep(0.5)

    def kill(self, chance: random.Random) -> str | None:
        """Kill something that runs as a crash would; returns what it was.

        Drawn by chance among those that were killed least so far, so that none is missed.
        """
        drawn = chance.sample(VICTIMS, len(VICTIMS))
        for victim in sorted(drawn, key=lambda one: self.killed[one]):
            if victim == "postgres":
                if self.postgres.runs:
                    self.postgres.kill()
                    self.killed[victim] += 1
                    return victim
                continue
            found = [one for service in self.services for one in service.processes(victim)]
            if found:
                with suppress(psutil.NoSuchProcess):
                    chance.choice(found).send_signal(signal.SIGKILL)
                    self.killed[victim] += 1
                    return victim
        return None

    def close(self) -> None:
        """End everything."""
        for service in self.services:
            service.close()
        self.postgres.close()
