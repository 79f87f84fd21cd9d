"""How fast the service takes experiments, and tells how one stands, over HTTP with tokens."""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from service.contracts.entry import Role, Submission
from service.database.engine import Database
from service.database.migrate import migrate
from service.queue.queue import Queue
from service.queue.tokens import Tokens
from tests.benchmarks.case import ROOT, Result, Row, Size

CONFIG = (ROOT / "configs" / "iris.yaml").read_text(encoding="utf-8")
CLIENTS, ASKED = 8, 200


def measure(size: Size) -> Result:
    """The API in a process of its own over SQLite, nothing being run; eight clients on the same cores
    submit different experiments, then one asks how one of 10,000 stands."""
    submitted, stored = size.of(1_000, least=200), size.of(10_000, least=1_000)
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{folder}/queue.db")
        migrate(database)
        token, _ = Tokens(database).add("bench", Role.SUBMITTER)
        headers = {"Authorization": f"Bearer {token}"}
        with _served(Path(folder)) as url:
            seconds = _submit(url, headers, submitted)
            identity = _fill(Queue(database), stored - submitted)
            with httpx.Client(base_url=url, headers=headers, trust_env=False) as client:
                one = _ask(client, f"/v1/experiments/{identity}")
                page = _ask(client, "/v1/experiments?limit=50")
    at = f"at {stored:,} stored experiments"
    return [
        Row("Submissions accepted in a minute", 60 * submitted / seconds, 500,
            f"{submitted:,} by {CLIENTS} clients in {seconds:.1f} s", unit=""),
        Row(f"Status {at}, median", one[0], 50, f"95th percentile {one[1]:.1f} ms",
            at_least=False, unit="ms"),
        Row(f"List of 50 {at}, median", page[0], 50, f"95th percentile {page[1]:.1f} ms",
            at_least=False, unit="ms"),
    ]  # fmt: skip


def _submit(url: str, headers: dict[str, str], count: int) -> float:
    """Submit so many experiments, no two alike; the seconds until the last is accepted."""

    def work(client_number: int) -> None:
        with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=60) as client:
            for number in range(client_number, count, CLIENTS):
                body = {"config": CONFIG, "overrides": [f"design.seed={number}"]}
                answer = client.post("/v1/experiments", json=body)
                if answer.status_code != 201:
                    raise RuntimeError(f"{answer.status_code}: {answer.text[:300]}")

    started = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(work, range(CLIENTS)))
    return time.perf_counter() - started


def _fill(queue: Queue, count: int) -> str:
    """Store so many more; returns the id of one in their middle."""
    middle = ""
    for number in range(count):
        config = f"{CONFIG}# {number}\n"
        entry, _ = queue.submit(Submission(f"user{number % 20}", "iris", config))
        middle = entry.id if number <= count // 2 else middle
    return middle


def _ask(client: httpx.Client, path: str) -> tuple[float, float]:
    """Milliseconds of an answer: the median, and what 95 of 100 stay below."""
    found = []
    for _ in range(ASKED):
        started = time.perf_counter()
        client.get(path).raise_for_status()
        found.append(1000 * (time.perf_counter() - started))
    return statistics.median(found), statistics.quantiles(found, n=20)[-1]


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tests.benchmarks.api_alone", str(folder), str(port)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                httpx.get(f"{url}/healthz", trust_env=False)
                break
            except httpx.TransportError:
                if process.poll() is not None:
                    raise RuntimeError("the API did not start") from None
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(30)
