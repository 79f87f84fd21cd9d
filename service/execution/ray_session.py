"""Starting Ray on this machine, or joining a cluster."""

from __future__ import annotations

import atexit
import logging
import math
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from service.contracts.errors import ArchduelError
from service.contracts.nodes import NodeGroup
from service.contracts.trial import Runtime
from service.execution.ray_address import NoCluster, require_answer
from service.execution.ray_failures import one_line


def connect(address: str | None, *, cpus: int | None = None, namespace: str | None = None) -> Any:
    """Join the Ray cluster at `address`, or start a private one on this machine.

    Args:
        address: "auto", "ray://host:10001", "host:6379", or None for a private one.
        cpus: CPUs of the private one; None for all.
        namespace: Ray's, for named actors; None for one of this process's own.

    Returns:
        The ray module, connected.

    Raises:
        UserError: the address is not one.
        NoCluster: nothing answers at it.
        ArchduelError: Ray could not be started here.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Zero GPUs asked for means that none is seen: the default of Ray's coming releases.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")
    if address is not None:
        require_answer(address)
    import ray

    if ray.is_initialized():
        return ray
    atexit.register(_results_only)  # before Ray's own: the last one registered is the first called
    quiet: dict[str, Any] = {
        "log_to_driver": False,
        "logging_level": logging.ERROR,
        "configure_logging": True,
    }
    if namespace is not None:
        quiet["namespace"] = namespace
    try:
        with _own_signals():
            _start(ray, address, cpus, quiet)
    except (ConnectionError, ValueError, TimeoutError) as error:
        if address is None:
            raise ArchduelError(f"Ray could not be started here: {one_line(error)}") from error
        raise NoCluster(
            f"no Ray cluster answers: {one_line(error)}",
            key="--address",
            value=address,
            hint="start one with `ray start --head`, or leave --address out",
        ) from error
    return ray


def _results_only() -> None:
    """Keep stdout for results: at the end of the process Ray prints there what it still has to tell
    of other processes, such as the last words of a node that died."""
    with suppress(OSError):  # Nobody may be reading any more.
        sys.stdout.flush()
    sys.stdout = sys.stderr


def _start(ray: Any, address: str | None, cpus: int | None, quiet: dict[str, Any]) -> None:
    if address is None:
        # Without an address Ray would join whatever cluster was started last on this machine.
        ray.init(address="local", num_cpus=cpus, include_dashboard=False, **quiet)
    else:
        ray.init(address=address, **quiet)


def first_of(ray: Any, references: Sequence[Any], seconds: float) -> list[Any]:
    """The first of these that is done, if one is within this time.

    A signal handler may raise meanwhile. Ray looks for signals while it waits, and where the wait
    ends at that very moment Python sees a result and an exception at once: a SystemError, caused by
    what the handler raised (Ray 2.60, `CoreWorker.wait`). What it raised is raised here.
    """
    try:
        found, _ = ray.wait(list(references), num_returns=1, timeout=seconds)
    except SystemError as error:
        raise error.__cause__ or error from None
    return list(found)


def capacity(ray: Any) -> tuple[float, float]:
    """CPUs and GPUs of the whole cluster."""
    nodes = _nodes(ray)
    return sum(cpu for cpu, _ in nodes), sum(gpu for _, gpu in nodes)


def largest_node(ray: Any, groups: Sequence[NodeGroup] = ()) -> tuple[float, float]:
    """CPUs and GPUs of the cluster's largest node, be it there or to come: what one trial can get.

    Args:
        ray: the ray module, connected.
        groups: what an autoscaler may add.
    """
    nodes = [*_nodes(ray), *((group.cpus, group.gpus) for group in groups if group.most)]
    return max((cpu for cpu, _ in nodes), default=0.0), max((gpu for _, gpu in nodes), default=0.0)


def places(ray: Any, threads: int, gpus: float, groups: Sequence[NodeGroup] = ()) -> int:
    """How many trials fit at once; a trial needs all its CPUs and GPUs on one node.

    Where an autoscaler adds nodes, those are counted that there may be: it adds them because workers
    wait for a place.
    """

    def on(cpu: float, gpu: float) -> int:
        return int(min(cpu // threads, gpu / gpus if gpus else math.inf))

    there = sum(on(cpu, gpu) for cpu, gpu in _nodes(ray))
    return max(there, sum(group.most * on(group.cpus, group.gpus) for group in groups))


def _nodes(ray: Any) -> list[tuple[float, float]]:
    """CPUs and GPUs of each node that is alive."""
    resources = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    return [(float(one.get("CPU", 0)), float(one.get("GPU", 0))) for one in resources]


@contextmanager
def _own_signals() -> Iterator[None]:
    """Keep this process's signal handlers: `ray.init` installs one that aborts on SIGTERM."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def slots(ray: Any, settings: Runtime, groups: Sequence[NodeGroup] = ()) -> int:
    """How many trials fit at once, on the nodes that are there or may come.

    Raises:
        ArchduelError: not one fits.
    """
    fits = places(ray, settings.threads, settings.gpus, groups)
    if fits < 1:
        raise ArchduelError(
            f"no node of the Ray cluster has the {settings.threads} CPUs and {settings.gpus:g} "
            "GPUs of a trial"
        )
    return fits
