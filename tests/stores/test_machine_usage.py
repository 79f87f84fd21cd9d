"""What the driver's machine does, as points for MLflow's page of system metrics."""

from __future__ import annotations

from service.stores.machine_usage import EVERY_SECONDS, MachineUsage


def test_readings_come_every_ten_seconds_and_at_once_when_asked() -> None:
    now = [1_000.0]
    usage = MachineUsage(started=990_000, clock=lambda: now[0])
    assert usage.read() == []
    now[0] += EVERY_SECONDS
    points = {point.key: point for point in usage.read()}
    load = points["system/cpu_utilization_percentage"]
    assert load.value >= 0
    assert (load.timestamp, load.step) == (1_010_000, 20)
    assert points["system/system_memory_usage_megabytes"].value > 0
    assert "system/network_receive_megabytes" in points
    assert usage.read() == []
    assert usage.read(at_once=True)
