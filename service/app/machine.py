"""Is this machine ready? Libraries, backends, processors, memory, Ray."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from service.app import facts
from service.contracts.errors import ArchduelError

State = Literal["ok", "warning", "broken"]

BACKENDS = ("tensorflow", "jax", "torch")
GIB = 1024**3
LITTLE_MEMORY = 2 * GIB
LITTLE_SHARED_MEMORY = GIB
_IMPORT = (sys.executable, "-c", "import keras; keras.ops.zeros(1)")
_IMPORT_SECONDS = 120


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Args:
        name: what.
        state: "broken" where archduel cannot do its work, "warning" where it does less.
        detail: what was found, in one line.
        remedy: what to do about it.
    """

    name: str
    state: State
    detail: str
    remedy: str | None = None


def libraries() -> Check:
    """Versions of what is imported everywhere."""
    found = facts.versions()
    needed = ("archduel", "keras", "ray", "optuna", "mlflow", "numpy", "scipy", "statsmodels")
    told = ", ".join(f"{name} {found[name]}" for name in ("python", *needed) if name in found)
    missing = [name for name in needed if name not in found]
    if missing:
        told = f"not installed: {', '.join(missing)}"
        return Check("libraries", "broken", told, "pip install archduel")
    return Check("libraries", "ok", told)


def backends(deep: bool) -> Iterator[Check]:
    """Which Keras backends there are, and whether they can be imported."""
    found = facts.versions()
    present = [name for name in BACKENDS if importlib.util.find_spec(name) is not None]
    if not present:
        remedy = "pip install 'archduel[tensorflow]'"
        yield Check("backend", "broken", f"none of {', '.join(BACKENDS)} is installed", remedy)
    for name in present:
        version = found.get(name) or found.get(f"{name}-cpu") or "of unknown version"
        failure = _import_failure(name) if deep else None
        if failure is None:
            note = "" if deep else " (not imported; --deep does)"
            yield Check("backend", "ok", f"{name} {version}{note}")
        else:
            remedy = f"pip install --force-reinstall 'archduel[{name}]'"
            yield Check("backend", "broken", f"{name} {version}: {failure}", remedy)


def processors() -> Check:
    """Cores and memory; a worker with TensorFlow takes about 1 GiB."""
    import psutil

    told = facts.hardware()
    free = psutil.virtual_memory().available
    detail = (
        f"{told['cores']} cores ({told['processor']}), {told['memory']} of memory, "
        f"{free / GIB:.1f} GiB free"
    )
    if free < LITTLE_MEMORY:
        return Check("machine", "warning", detail, "set resources.max_parallel: 1 in the config")
    return Check("machine", "ok", detail)


def gpus() -> Check:
    """What nvidia-smi sees."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return Check("GPUs", "ok", "none (no nvidia-smi); training runs on the CPU")
    query = [program, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return Check("GPUs", "warning", f"nvidia-smi failed: {error}", "check the NVIDIA driver")
    names = [line.strip() for line in answer.stdout.splitlines() if line.strip()]
    if not names:
        return Check("GPUs", "ok", "none; training runs on the CPU")
    detail = f"{len(names)}: {'; '.join(names)}"
    if "tensorflow-cpu" in facts.versions():
        remedy = "pip install 'archduel[tensorflow-gpu]' to use them, then gpus_per_trial: 1"
        return Check("GPUs", "warning", f"{detail}; tensorflow-cpu cannot use them", remedy)
    return Check("GPUs", "ok", f"{detail}; ask for them with resources.gpus_per_trial")


def shared_memory() -> Check:
    """Ray keeps data sets in /dev/shm, which containers make small."""
    folder = Path("/dev/shm")
    if not folder.is_dir():
        return Check("shared memory", "ok", "this system has no /dev/shm; Ray uses files")
    free = shutil.disk_usage(folder).free
    detail = f"{free / GIB:.1f} GiB free in {folder}"
    if free < LITTLE_SHARED_MEMORY:
        remedy = "give the container more: docker run --shm-size=2g"
        return Check("shared memory", "warning", f"{detail}, which slows Ray down", remedy)
    return Check("shared memory", "ok", detail)


def ray(address: str | None) -> Check:
    """Start a private Ray and end it again, or join a cluster."""
    from service.execution import ray_session

    begun = time.monotonic()
    try:
        connected = ray_session.connect(address)
        try:
            cpus, cards = ray_session.capacity(connected)
        finally:
            connected.shutdown()
    except ArchduelError as error:
        return Check("Ray", "broken", str(error), "archduel run --executor inline needs no Ray")
    where = "started here" if address is None else f"joined at {address}"
    took = time.monotonic() - begun
    return Check("Ray", "ok", f"{where} in {took:.1f} s: {cpus} CPUs, {cards:g} GPUs")


def _import_failure(backend: str) -> str | None:
    """Import Keras on this backend in a process of its own; returns its last words on failure."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        done = subprocess.run(
            _IMPORT, env=environment, capture_output=True, text=True, timeout=_IMPORT_SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"not imported within {_IMPORT_SECONDS} s"
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return lines[-1][:300] if lines else f"exit code {done.returncode}"
