"""JAX, in processes of its own: a process has one backend for its life."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def run(*arguments: str, **environment: str) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=HERE.parents[1],
        env={**os.environ, "ARCHDUEL_TEST_BACKEND": "jax", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout[-6000:] + found.stderr[-2000:]


def test_jax() -> None:
    run(str(HERE / "on_jax.py"))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_devices_compute_what_one_computes() -> None:
    run(
        str(HERE / "on_two_devices.py"),
        XLA_FLAGS="--xla_force_host_platform_device_count=2",
    )


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("file", ["test_every_pair.py", "test_equality.py"])
def test_small_pairs_on_jax(file: str) -> None:
    run(str(HERE / file), "-k", "iris or regression or stock_prices")


@pytest.mark.long
@pytest.mark.timeout(2 * 3600)
@pytest.mark.parametrize("file", ["test_every_pair.py", "test_equality.py"])
def test_every_pair_on_jax(file: str) -> None:
    run(str(HERE / file), "-m", "slow or not slow", "--timeout", "3000")
