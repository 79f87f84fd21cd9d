"""What the driver's machine does during a run, in the keys of MLflow's page of system metrics."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from service.stores.mlflow_layout import Point

EVERY_SECONDS = 10.0
"""Between two readings, as MLflow's own monitor does it."""


class MachineUsage:
    """Reads MLflow's own monitors now and then; they use psutil, and NVIDIA's library for GPUs.

    MLflow's own would write to one run from a thread of its own and give up at the first failure;
    these points are sent with everything else.

    Args:
        started: when the experiment began, milliseconds since 1970; points are told by the seconds
            since then, so that those of a resumed run follow.
        clock: seconds since 1970.
    """

    def __init__(self, started: int, clock: Callable[[], float] = time.time) -> None:
        self._started = started
        self._clock = clock
        self._monitors = _monitors()
        self._read_at = clock()

    def read(self, *, at_once: bool = False) -> list[Point]:
        """Take a reading; empty where it is not time for one yet and `at_once` was not asked."""
        now = self._clock()
        if not at_once and now - self._read_at < EVERY_SECONDS:
            return []
        self._read_at = now
        moment = round(1000 * now)
        step = max(0, (moment - self._started) // 1000)
        points = []
        for monitor in self._monitors:
            monitor.collect_metrics()
            for name, value in monitor.aggregate_metrics().items():
                points.append(Point(f"system/{name}", float(value), moment, step))
            monitor.clear_metrics()
        return points


def _monitors() -> list[Any]:
    """Processors and memory, network, and GPUs where there are any."""
    from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
    from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
    from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

    monitors = [CPUMonitor(), NetworkMonitor()]
    monitors[0].collect_metrics()  # the first reading of a processor's load is 0
    monitors[0].clear_metrics()
    try:
        monitors.append(GPUMonitor())
    except Exception:  # without NVIDIA's library or a GPU it raises one of several errors
        return monitors
    return monitors
