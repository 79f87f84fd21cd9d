"""How much memory this process has and had resident."""

from __future__ import annotations

from pathlib import Path

import psutil

_CLEAR = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


def resident_bytes() -> int:
    """Resident memory of this process now."""
    return int(psutil.Process().memory_info().rss)


def reset_peak() -> None:
    """Begin a new high-water mark, where the kernel can (Linux)."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        return  # The peak is then the process's highest so far: still an upper bound.


def peak_bytes() -> int:
    """The most memory that was resident since `reset_peak`."""
    try:
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return resident_bytes()
