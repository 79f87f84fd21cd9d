"""What was true of this machine and these libraries when an experiment began."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from service.catalog.source import builders
from service.contracts.data import Dataset
from service.contracts.pair import LocatedPair

PACKAGES = (
    "archduel", "keras", "tensorflow", "tensorflow-cpu", "jax", "torch", "ray", "optuna",
    "mlflow", "numpy", "scipy", "statsmodels",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Versions of Python and of each installed package that matters, by name."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def hardware() -> dict[str, str]:
    """The processor, cores, memory and system of this machine."""
    import psutil

    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 1024**3:.0f} GiB",
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def data(datasets: Mapping[str, Dataset]) -> dict[str, dict[str, Any]]:
    """By pair name: fingerprint, number of examples, and what the loader tells."""
    return {
        name: {"fingerprint": found.fingerprint, "examples": len(found), **found.facts}
        for name, found in datasets.items()
    }


def gather(
    datasets: Mapping[str, Dataset], pairs: Mapping[str, LocatedPair], executor: str
) -> dict[str, Any]:
    """Everything a report needs beside the plan and the results."""
    return {
        "command": " ".join(["archduel", *sys.argv[1:]]),
        "versions": versions(),
        "hardware": hardware(),
        "data": data(datasets),
        "builders": {name: builders(located.pair) for name, located in pairs.items()},
        "executor": executor,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
