"""Three Ray nodes on this machine, of which one is killed while it trains."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

NODES = 3
TRIALS_BEFORE = 8
"""Results in the ledger when the node is killed, of 39."""


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head that runs no trials, as in the chart, and nodes with one CPU each."""
    from ray.cluster_utils import Cluster

    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0})
    for _ in range(NODES):
        made.add_node(num_cpus=1)
    yield made
    made.shutdown()


def workers(node: Any) -> list[psutil.Process]:
    """The processes that train on a node."""
    (raylet,) = node.all_processes["raylet"]
    children = psutil.Process(raylet.process.pid).children(recursive=True)
    return [one for one in children if "WarmWorker" in " ".join(one.cmdline())]


def test_a_node_that_dies_during_a_trial_changes_no_number(
    cluster: Any, make_product: Any, undisturbed: Any
) -> None:
    product = make_product()
    command = product.command("run", str(product.config), "--json", "--address", cluster.address)
    with (product.home / "out").open("w") as out, (product.home / "log").open("w") as log:
        driver = subprocess.Popen(command, stdout=out, stderr=log)
        nodes = list(cluster.worker_nodes)
        deadline = time.monotonic() + 600
        while len(product.numbers()) < TRIALS_BEFORE or not all(workers(one) for one in nodes):
            assert driver.poll() is None, (product.home / "log").read_text()
            assert time.monotonic() < deadline, "not every node came to train"
            time.sleep(0.05)
        cluster.remove_node(nodes[0], allow_graceful=False)
        assert len(product.numbers()) < len(undisturbed.numbers()), "it was over already"
        assert driver.wait(timeout=600) == 0, (product.home / "log").read_text()
    assert "is tried again" in (product.home / "log").read_text()
    assert product.numbers() == undisturbed.numbers()
    verdicts = json.loads((product.home / "out").read_text())["verdicts"]
    expected = undisturbed.document["verdicts"]
    assert {pair: one["decision"] for pair, one in verdicts.items()} == {
        pair: one["decision"] for pair, one in expected.items()
    }
