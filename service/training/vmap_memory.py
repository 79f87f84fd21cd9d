"""What trainings that run at once may take together: known once they are compiled."""

from __future__ import annotations

from typing import Any

CPU_BYTES = 4 * 1024**3
GPU_SHARE = 0.8
"""What a batch may take: bytes on a CPU, a share of what this process may use of a GPU."""


def check_fits(ready: Any, width: int) -> None:
    """Raise MemoryError where a compiled batch takes more than it may."""
    import jax

    found = ready.memory_analysis()
    if found is None:
        return
    takes = found.argument_size_in_bytes + found.output_size_in_bytes + found.temp_size_in_bytes
    takes -= found.alias_size_in_bytes
    device = jax.local_devices()[0]
    limit = (device.memory_stats() or {}).get("bytes_limit")
    may = CPU_BYTES if limit is None else int(GPU_SHARE * limit)
    if takes > may:
        raise MemoryError(
            f"{width} trainings at once take {takes / 2**30:.1f} GiB of the {may / 2**30:.1f} GiB "
            "that they may"
        )
