"""A child process that may outlive us, and is found again by the file that it left."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil

SILENCE_SECONDS = 180.0
"""A process that runs and has not answered for so long is started anew."""

MARK = "DAEMON_OF_ARCHDUEL"
"""A variable of its environment, by which what it left behind is known."""

_STOP_SECONDS = 10.0


class Daemon:
    """One process with all its children.

    A service that is killed leaves it running; the next one takes it over. Its file is readable by
    its owner alone.

    Args:
        folder: of its file and its log, made if it is missing.
        name: theirs: `<name>.json` and `<name>.log`.
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = folder / f"{name}.json"
        self.log = folder / f"{name}.log"
        self._child: subprocess.Popen[bytes] | None = None
        self._silent_since: float | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """What was kept with it when it was started last; empty if it never was."""
        try:
            known = json.loads(self._file.read_text(encoding="utf-8"))
            return dict(known["facts"])
        except (OSError, ValueError, TypeError, KeyError):
            return {}

    def alive(self) -> bool:
        """Whether it runs."""
        return self._process() is not None

    def is_needed(self, answers: bool) -> bool:
        """Whether it must be started: it does not run, or has not answered for a long time.

        A machine under load answers late; to end it for that would end all that works in it.

        Args:
            answers: whether it has just answered.
        """
        if not self.alive():
            return True
        if answers or self._silent_since is None:
            self._silent_since = None if answers else time.monotonic()
            return False
        return time.monotonic() - self._silent_since > SILENCE_SECONDS

    def start(
        self, command: Sequence[str], environment: Mapping[str, str], facts: Mapping[str, Any]
    ) -> None:
        """Start it; `facts` is JSON for whoever finds it later."""
        self._silent_since = None
        mark = uuid4().hex
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**environment, MARK: mark},
                start_new_session=True,
            )
        born = psutil.Process(self._child.pid).create_time()
        part = self._file.with_suffix(".part")
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(
                {"pid": self._child.pid, "born": born, "mark": mark, "facts": dict(facts)}, file
            )
        part.replace(self._file)

    def stop(self) -> None:
        """End it with everything that it started."""
        main = self._process()
        if main is not None:
            with suppress(psutil.NoSuchProcess):
                family = [main, *main.children(recursive=True)]
                main.terminate()
                _, left = psutil.wait_procs(family, timeout=_STOP_SECONDS)
                for process in left:
                    with suppress(psutil.NoSuchProcess):
                        process.kill()
                psutil.wait_procs(left, timeout=_STOP_SECONDS)
        for orphan in self._marked():  # whose parents died before
            with suppress(psutil.NoSuchProcess):
                orphan.kill()
        if self._child is not None:
            self._child.wait()
            self._child = None

    def last_words(self) -> str:
        """The last line of its log."""
        lines = self.log.read_text(errors="replace").splitlines()
        said = [line.strip() for line in lines if line.strip()]
        return f"{said[-1][:300] if said else 'it said nothing'} (all of it is in {self.log})"

    def _marked(self) -> list[psutil.Process]:
        """All processes that descend from it, whoever their parent is now."""
        try:
            mark = str(json.loads(self._file.read_text(encoding="utf-8"))["mark"])
        except (OSError, ValueError, TypeError, KeyError):
            return []
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.environ().get(MARK) == mark:
                    found.append(process)
        return found

    def _process(self) -> psutil.Process | None:
        if self._child is not None and self._child.poll() is not None:
            self._child = None  # which lets go of what would be a zombie
        try:
            known = json.loads(self._file.read_text(encoding="utf-8"))
            process = psutil.Process(int(known["pid"]))
            runs = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
            # A pid may be given again, to another.
            same = abs(process.create_time() - float(known["born"])) < 1.0
        except (OSError, ValueError, TypeError, KeyError, psutil.NoSuchProcess):
            return None
        return process if runs and same else None
