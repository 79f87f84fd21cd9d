"""Copies the ledger to MLflow in the background: a slow or dead server delays dashboards only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from service.stores.experiment_ledger import ExperimentLedger
from service.stores.lock import hold
from service.stores.machine_usage import EVERY_SECONDS, MachineUsage
from service.stores.mlflow_client import redacted
from service.stores.mlflow_layout import milliseconds
from service.stores.mlflow_sender import Sender
from service.stores.outbox_log import OutboxLog

_CHUNK = 50  # trials between two looks at the clock
_GATHER_SECONDS = 0.5  # news that comes within this is sent together
_NOTE_SECONDS = 30.0
_NOTE_SHARE = 0.02  # of the time may go into writing notes, which takes longer as results grow
_LONGEST_WAIT = 60.0
_HEAD_START_SECONDS = 10.0  # loading MLflow would hold up the first trials, which are starting now

Notes = Callable[[], Mapping[str, str]]


@dataclass(frozen=True)
class OutboxState:
    """How far the copy has come.

    Args:
        sent: trials that are complete in MLflow.
        waiting: trials that are not.
        last_error: what went wrong last, in one line; None while all is well.
    """

    sent: int
    waiting: int
    last_error: str | None


class Outbox:
    """Sends what the ledger has and MLflow has not.

    `start` sends from a daemon thread of its own, and what the machine does beside; `flush` sends
    from the calling thread. MLflow is imported only there. One process at a time sends an experiment; another one waits for it.

    Args:
        ledger: the source; every trial in it is sent, in the order it was recorded.
        tracking_uri: MLflow's address ("sqlite:///home/mlflow/mlflow.db", "http://host:5000").
        artifact_root: where models and reports go if the address is a database.
        note: the description of each pair's run as markdown, by pair name. It is called now and
            then, and at the end, from the sending thread.
        say: hears when MLflow stops answering and when it answers again.
        artifacts: files for each pair's run, by name.
    """

    def __init__(
        self,
        ledger: ExperimentLedger,
        tracking_uri: str,
        artifact_root: str | Path | None = None,
        note: Notes | None = None,
        say: Callable[[str], None] | None = None,
        *,
        artifacts: Mapping[str, Path] | None = None,
    ) -> None:
        self._ledger = ledger
        self._uri = tracking_uri
        self._shown = redacted(tracking_uri)
        self._artifact_root = artifact_root
        self._note = note
        self._say = say or (lambda text: None)
        self._files = dict(artifacts or {})
        self._log = OutboxLog(ledger, self._shown)
        self._sender: Sender | None = None
        self._held = ExitStack()
        self._is_held = False
        self._busy = threading.Lock()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._deadline = float("inf")
        self._thread: threading.Thread | None = None
        self._last_error: str | None = None
        self._silent = False  # MLflow does not answer, and that was said
        self._noted_at = float("-inf")
        self._note_pause = _NOTE_SECONDS
        self._news = False  # something was sent since the last note
        self._refused: dict[str, str] = {}
        self._usage: MachineUsage | None = None  # of a thread of its own only
        self._doubtful: set[str] = set()  # trials that were being sent when the server fell silent

    def start(self) -> None:
        """Begin to send in the background."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="mlflow-outbox", daemon=True)
            self._thread.start()

    def nudge(self) -> None:
        """Something was recorded. Returns at once."""
        self._wake.set()

    def attach(self, files: Mapping[str, Path]) -> None:
        """Files that the end of the run adds to each pair's run, by name."""
        self._files.update(files)

    def state(self) -> OutboxState:
        """How far the copy has come."""
        sent, waiting = self._log.counts()
        return OutboxState(sent, waiting, self._last_error)

    def flush(self, attempts: int = 3) -> OutboxState:
        """Send everything now, from this thread.

        Args:
            attempts: how often to try a server that does not answer.
        """
        for attempt in range(attempts):
            if self._attempt(settle=self._thread is None):
                break
            time.sleep(2.0**attempt if attempt + 1 < attempts else 0)
        if self._thread is None:
            self._release()
        return self.state()

    def close(self, timeout: float) -> OutboxState:
        """Send the rest, settle the pairs' runs as the ledger's state says, and stop.

        Set the ledger's final state first.

        Args:
            timeout: seconds to wait at most; what is missing then is sent by the next session.
        """
        self._deadline = time.monotonic() + timeout
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(max(0.0, timeout))
            if self._thread.is_alive() and self._last_error is None:
                self._last_error = f"MLflow at {self._shown} did not take everything in time"
        return self.state()

    # The thread

    def _run(self) -> None:
        wait = 1.0
        try:
            self._wake.wait(_HEAD_START_SECONDS)
            while True:
                self._wake.clear()  # before the work: a nudge during it must not be lost
                stopping = self._stop.is_set()
                well = self._attempt(settle=stopping)
                if stopping and (well or self._late()):
                    return
                if well:
                    wait = 1.0
                    if self._wake.wait(EVERY_SECONDS):
                        self._stop.wait(_GATHER_SECONDS)
                elif stopping:
                    time.sleep(min(1.0, max(0.0, self._deadline - time.monotonic())))
                else:
                    self._stop.wait(wait)
                    wait = min(_LONGEST_WAIT, 2 * wait)
        finally:
            self._release()

    def _attempt(self, *, settle: bool) -> bool:
        """Send what there is; whether MLflow answered to all of it."""
        with self._busy:
            try:
                self._send_all()
                self._observe(at_once=settle)
                self._annotate(at_once=settle)
                if settle and self._sender is not None:
                    self._sender.parents.attach(self._files)
                    self._sender.register()
                    self._sender.parents.settle()
            except Exception as error:
                # Whatever MLflow, its store or the network raises, training is not to notice. What
                # failed is kept as `last_error`, said once, and tried again.
                self._fell_silent(error)
                return False
            self._answered()
            return True

    def _send_all(self) -> None:
        if self._sender is None:
            if not self._is_held:
                self._held.enter_context(hold(self._ledger.home, f"outbox of {self._ledger.key}"))
                self._is_held = True
            self._sender = Sender(
                self._ledger,
                self._log,
                self._uri,
                self._artifact_root,
                self._say,
                begin=self._thread is not None,
            )
        while chunk := self._log.pending(_CHUNK, but=self._refused):
            if self._late():
                return
            attempted = self._ledger.chosen(chunk)
            self._news = True
            try:
                refused = self._sender.send(attempted, self._late)
            except Exception:
                self._doubtful.update(chunk)
                raise
            for trial, reason in refused.items():
                self._say(f"MLflow refused trial {trial}: {reason}")
            self._refused.update(refused)
        if self._doubtful:
            runs = self._log.runs()
            self._sender.remove_twins({t: runs[t] for t in self._doubtful if t in runs})
            self._doubtful.clear()

    def _observe(self, *, at_once: bool) -> None:
        """Tell every pair's run what the machine does, while a run goes on."""
        if self._thread is None or self._sender is None:
            return
        if self._usage is None:
            self._usage = MachineUsage(milliseconds(self._ledger.started))
        self._sender.parents.log(self._usage.read(at_once=at_once))

    def _annotate(self, *, at_once: bool) -> None:
        due = self._news and time.monotonic() - self._noted_at >= self._note_pause
        if self._note is None or self._sender is None or not (due or at_once):
            return
        self._noted_at = time.monotonic()
        self._news = False
        try:
            notes = self._note()
        except Exception as error:  # whoever writes the notes is at fault, not MLflow: go on
            self._say(f"the notes for MLflow could not be written: {_one_line(error)}")
        else:
            self._sender.parents.annotate(notes)
        took = time.monotonic() - self._noted_at
        self._note_pause = max(_NOTE_SECONDS, took / _NOTE_SHARE)

    def _fell_silent(self, error: Exception) -> None:
        self._sender = None
        self._last_error = f"MLflow at {self._shown}: {_one_line(error)}"
        if not self._silent:
            self._silent = True
            self._say(f"{self._last_error}; training goes on and this is sent later")

    def _answered(self) -> None:
        if self._silent:
            self._silent = False
            self._say(f"MLflow at {self._shown} answers again")
        reasons = list(self._refused.values())
        self._last_error = f"MLflow refused a trial: {reasons[-1]}" if reasons else None

    def _late(self) -> bool:
        return time.monotonic() >= self._deadline

    def _release(self) -> None:
        self._sender = None
        self._held.close()
        self._is_held = False


def _one_line(error: Exception) -> str:
    return " ".join(f"{error}".split())[:300] or type(error).__name__
