"""A Ray node that is told to end, as a spot node is: `ray start --block` gets SIGTERM while it trains."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

DRAIN_SECONDS = 90
TRIALS_BEFORE = 8
"""Results in the ledger when the node is told to end, of 39."""


@pytest.fixture
def head() -> Iterator[Any]:
    """A head that runs no trials, and a node with one CPU."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    made.add_node(num_cpus=1)
    yield made
    made.shutdown()


@pytest.fixture
def spot(head: Any, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A node as a pod of the chart starts it."""
    command = [
        *(str(Path(sys.executable).with_name("ray")), "start", "--block"),
        *("--address", head.address, "--num-cpus", "1", "--disable-usage-stats"),
    ]
    environment = {**os.environ, "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": str(DRAIN_SECONDS)}
    told = tmp_path / "spot.log"
    with told.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    deadline = time.monotonic() + 120
    while "Ray runtime started" not in told.read_text():  # a driver counts the places there are
        assert alive(process), told.read_text()
        assert time.monotonic() < deadline, told.read_text()
        time.sleep(0.1)
    yield process
    for one in [*psutil.Process(process.pid).children(recursive=True)] if alive(process) else []:
        one.kill()
    process.kill()
    process.wait()


def alive(process: subprocess.Popen[bytes]) -> bool:
    return process.poll() is None


def workers(of: int) -> list[psutil.Process]:
    """The processes below this one that train."""
    return [
        one
        for one in psutil.Process(of).children(recursive=True)
        if "WarmWorker" in " ".join(one.cmdline())
    ]


def test_a_node_that_is_told_to_end_ends_what_it_trains_and_nothing_is_lost(
    head: Any, spot: subprocess.Popen[bytes], make_product: Any, undisturbed: Any
) -> None:
    product = make_product()
    command = product.command("run", str(product.config), "--json", "--address", head.address)
    log = product.home / "log"
    with (product.home / "out").open("w") as out, log.open("w") as errors:
        driver = subprocess.Popen(command, stdout=out, stderr=errors)
        deadline = time.monotonic() + 600
        while len(product.numbers()) < TRIALS_BEFORE or not workers(spot.pid):
            assert driver.poll() is None, log.read_text()
            assert alive(spot), "the node ended by itself"
            assert time.monotonic() < deadline, "the node did not come to train"
            time.sleep(0.05)
        spot.send_signal(signal.SIGTERM)
        told = time.monotonic()
        spot.wait(timeout=DRAIN_SECONDS + 60)
        took = time.monotonic() - told
        assert driver.wait(timeout=600) == 0, log.read_text()
    said = log.read_text()
    assert "a worker's node is about to go" in said
    assert not re.search("is tried again|are tried again", said)
    assert took < DRAIN_SECONDS / 2, "an empty node goes at once, and does not sit out its time"
    assert product.numbers() == undisturbed.numbers()
