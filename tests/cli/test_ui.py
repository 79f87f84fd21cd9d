"""MLflow's server as a child process: it answers, it shows the right page, and it ends with us."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from service.app import tracking_server
from service.app.home import Home
from service.contracts.errors import ArchduelError
from tests.cli.cli_calls import PROGRAM, Invoke, RealRun


def is_there(process: int) -> bool:
    """Whether a process exists and is not merely waiting for its parent to notice its end."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def open_for(url: str) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=30) as answer:
        found: bytes = answer.read()
    return found


def test_ui_serves_the_page_of_the_latest_run_until_ctrl_c(real_run: RealRun) -> None:
    with socket.socket() as other:  # so that the usual port is taken, whoever has it
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if tracking_server._is_free(tracking_server.PORT):
            other.bind((tracking_server.HOST, tracking_server.PORT))
            other.listen()
        with subprocess.Popen(
            [*PROGRAM, "ui", "--home", str(real_run.home)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            # A shell starts what it runs in the background deaf to Ctrl-C, and so these tests.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        ) as process:
            assert process.stdout is not None
            page = process.stdout.readline().strip()
            found = re.fullmatch(
                r"(http://127\.0\.0\.1:(\d+))/#/experiments/(\d+)/runs"
                r"\?workflowType=machine_learning&viewStateShareKey=archduel-winners",
                page,
            )
            assert found is not None, page
            assert int(found[2]) != tracking_server.PORT
            assert b"<title>MLflow" in open_for(found[1])
            shown = open_for(f"{found[1]}/api/2.0/mlflow/experiments/get?experiment_id={found[3]}")
            assert b"archduel/tiny" in shown
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
        assert process.returncode == 130
        assert errors.splitlines()[-1].startswith("stopped: MLflow has ended")
        assert "Traceback" not in errors
        with pytest.raises(OSError, match="refused"):
            open_for(found[1])


def test_a_port_that_is_taken_is_refused_when_asked_for(invoke: Invoke) -> None:
    with socket.socket() as other:
        other.bind((tracking_server.HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        done = invoke("ui", "--port", port)
    assert done.exit_code == 2
    assert f"error: --port: is in use, but got {port}; leave it out" in done.stderr


def test_a_server_that_does_not_start_tells_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = [sys.executable, "-c", "print('no such table'); raise SystemExit(3)"]
    monkeypatch.setattr(tracking_server, "command", lambda home, port: failing)
    home = Home(tmp_path)
    with (
        pytest.raises(ArchduelError, match=r"ended at once: no such table \(all of it is in "),
        tracking_server.serve(home),
    ):
        pytest.fail("it was not running")


_STUBBORN = """
import http.server, os, signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import signal, time;"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(300)"])
open(sys.argv[2], "w").write(f"{os.getpid()} {child.pid}")

class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Healthy).serve_forever()
"""


def test_a_server_that_does_not_want_to_end_is_ended_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "processes"
    monkeypatch.setattr(
        tracking_server,
        "command",
        lambda home, port: [sys.executable, "-c", _STUBBORN, str(port), str(told)],
    )
    monkeypatch.setattr(tracking_server, "_STOP_SECONDS", 0.5)
    with tracking_server.serve(Home(tmp_path)):
        processes = [int(number) for number in told.read_text().split()]
        assert all(is_there(process) for process in processes)
    deadline = time.monotonic() + 10
    while any(is_there(process) for process in processes) and time.monotonic() < deadline:
        time.sleep(0.05)
    left = [process for process in processes if is_there(process)]
    for process in left:
        os.kill(process, signal.SIGKILL)
    assert not left


def test_an_experiment_that_mlflow_does_not_know_leads_to_the_list_of_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        tracking_server,
        "command",
        lambda home, port: [sys.executable, "-c", _STUBBORN, str(port), str(tmp_path / "p")],
    )
    monkeypatch.setattr(tracking_server, "_STOP_SECONDS", 0.1)
    with tracking_server.serve(Home(tmp_path)) as server:
        assert server.page("0123") == server.url  # it answers 501 to what it is asked
        assert server.page(None) == server.url
