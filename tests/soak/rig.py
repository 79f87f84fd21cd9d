"""The service under test with all that belongs to it, and what of it can be killed."""

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
from contextlib import suppress
from pathlib import Path

import psutil

from service.client.api import Api
from service.client.http import Http
from service.client.profiles import Profile
from tests.toys.postgres import Postgres

VICTIMS = ("service", "driver", "worker", "raylet", "gcs_server", "mlflow", "postgres")
_START_SECONDS = 300.0


class Rig:
    """One `archduel serve` on a PostgreSQL of its own, in a folder.

    Args:
        folder: for everything.
        settings: beside the database: the names of `Settings` with their values.
    """

    def __init__(self, folder: Path, **settings: object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.home = folder / "home"
        self.postgres = Postgres()
        self.database = self.postgres.database()
        self.token = secrets.token_urlsafe(32)
        self._log = folder / "serve.log"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        mine = {
            "home": self.home,
            "database_url": self.database,
            "admin_token": self.token,
            "port": self.url.rsplit(":", 1)[1],
            "rate_per_minute": 100_000,
            "lease_seconds": 10,
            **settings,
        }
        kept = {name: value for name, value in os.environ.items() if "ARCHDUEL" not in name}
        self._environment = {
            **kept,
            **{f"ARCHDUEL_{name.upper()}": str(value) for name, value in mine.items()},
            "ARCHDUEL_PROFILES": str(folder / "profiles.toml"),
        }
        self._service: subprocess.Popen[bytes] | None = None

    def client(self) -> Api:
        """A client with the admin's token."""
        return Api(Http(Profile("soak", self.url, self.token)))

    def keep_up(self) -> None:
        """Start again what a machine's or a cluster's supervisor would: service and PostgreSQL."""
        if not self.postgres.runs:
            self.postgres.start()
        if self._service is None or self._service.poll() is not None:
            command = [str(Path(sys.executable).with_name("archduel")), "serve"]
            with self._log.open("ab") as log:
                self._service = subprocess.Popen(
                    command, env=self._environment, stdout=log, stderr=log, start_new_session=True
                )

    def wait_until_ready(self) -> None:
        """Wait until every part of it answers."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            self.keep_up()
            with suppress(Exception), self.client().http as http:
                if http.ask("GET", "/readyz").is_success:
                    return
            time.sleep(0.5)
        raise TimeoutError(self._log.read_text()[-3000:])

    def kill(self, chance: random.Random) -> str | None:
        """Kill something that runs, drawn by chance, as a crash would; returns what it was."""
        for victim in chance.sample(VICTIMS, len(VICTIMS)):
            if victim == "postgres":
                if self.postgres.runs:
                    self.postgres.kill()
                    return victim
                continue
            found = self._processes(victim)
            if found:
                with suppress(psutil.NoSuchProcess):
                    chance.choice(found).send_signal(signal.SIGKILL)
                    return victim
        return None

    def close(self) -> None:
        """End it as a user would, and what is left of it by force."""
        left = [*self._of("ray"), *self._of("mlflow")]
        if self._service is not None and self._service.poll() is None:
            self._service.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._service.wait(60)
            if self._service.poll() is None:
                self._service.kill()
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.postgres.close()

    def _processes(self, victim: str) -> list[psutil.Process]:
        if victim == "service":
            alive = self._service is not None and self._service.poll() is None
            return [psutil.Process(self._service.pid)] if alive and self._service else []
        if victim == "mlflow":
            return self._of("mlflow")[:1]
        signs = {
            "driver": "-m service.app.driving",
            "worker": "ray::LentWorker",
            "raylet": "raylet/raylet",
            "gcs_server": "gcs/gcs_server",
        }
        found = []
        for process in self._of("ray"):
            with suppress(psutil.NoSuchProcess):
                line = " ".join(process.cmdline())
                if signs[victim] in line and not line.startswith("/bin/sh"):
                    found.append(process)
        return found

    def _of(self, name: str) -> list[psutil.Process]:
        """A child of the service with all its own, by the file that it left."""
        try:
            known = json.loads((self.home / "service" / f"{name}.json").read_text())
            main = psutil.Process(int(known["pid"]))
            return [main, *main.children(recursive=True)]
        except (OSError, ValueError, psutil.NoSuchProcess):
            return []
