"""A PostgreSQL server of the tests' own, in a temporary folder, run by a user that is not root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from uuid import uuid4


def binaries() -> Path | None:
    """The folder with `postgres` and `initdb`, the newest version's; None where there is none."""
    versions = Path("/usr/lib/postgresql")
    found = sorted(
        versions.glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]), reverse=True
    )
    if found:
        return found[0].parent
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


class Postgres:
    """A server. `start`, `kill` and `databases` may be called in any order after it was made."""

    def __init__(self) -> None:
        folder = binaries()
        assert folder is not None
        self._bin = folder
        self._root = Path(tempfile.mkdtemp(prefix="archduel-pg-"))
        self._data = self._root / "data"
        self._root.chmod(0o755)
        self._data.mkdir()
        self._user: str | None = None
        if os.getuid() == 0:
            account = pwd.getpwnam("nobody" if _lacks("postgres") else "postgres")
            self._user = account.pw_name
            os.chown(self._data, account.pw_uid, account.pw_gid)
        self._data.chmod(0o700)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "-D", str(self._data), "-A", "trust", "-U", "archduel", "--no-sync")
        self.start()

    @property
    def url(self) -> str:
        """The address of a database that is always there."""
        return f"postgresql+psycopg://archduel@127.0.0.1:{self.port}/postgres"

    def database(self) -> str:
        """The address of a new, empty database."""
        import psycopg

        name = f"t{uuid4().hex[:12]}"
        plain = self.url.replace("+psycopg", "")
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return f"postgresql+psycopg://archduel@127.0.0.1:{self.port}/{name}"

    @property
    def runs(self) -> bool:
        """Whether it was started and not killed."""
        return self._process is not None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [str(self._bin / "postgres"), "-D", str(self._data), "-p", str(self.port)]
        options = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off")
        for option in (*options, "max_connections=300"):
            command += ["-c", option]
        with (self._root / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, user=self._user, start_new_session=True
            )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self._answers():
                return
            time.sleep(0.05)
        raise RuntimeError((self._root / "log").read_text()[-2000:])

    def kill(self) -> None:
        """Kill it with everything that it started, as a power cut would."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
            (self._data / "postmaster.pid").unlink(missing_ok=True)

    def close(self) -> None:
        """Kill it, and remove its folder."""
        self.kill()
        shutil.rmtree(self._root, ignore_errors=True)

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.url.replace("+psycopg", ""), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._bin / program), *arguments],
            capture_output=True,
            text=True,
            user=self._user,
            cwd="/",
        )
        if done.returncode:
            raise RuntimeError(done.stderr)


def _lacks(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return True
    return False
