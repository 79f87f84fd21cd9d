"""How much of a GPU's memory a trial may take that has a fraction of the GPU."""

from __future__ import annotations

import os
import subprocess
from typing import Any

from service.contracts.errors import ArchduelError

POOL_SHARE = 0.9
"""Of a trial's share this much goes to tensors; each process needs some for its CUDA context."""

_ASK = ("nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits")
_ASK_SECONDS = 30


def fraction(gpus: float) -> float | None:
    """The fraction of a GPU's memory that a trial may take, None where nothing is shared.

    Args:
        gpus: GPUs per trial.
    """
    return round(POOL_SHARE * gpus, 4) if 0 < gpus < 1 else None


def limit_tensorflow(tf: Any, gpus: float) -> None:
    """Give TensorFlow a logical device of that size; before it uses the GPU.

    Args:
        tf: the tensorflow module.
        gpus: GPUs per trial.

    Raises:
        ArchduelError: the size of the GPU's memory cannot be found.
    """
    share = fraction(gpus)
    devices = tf.config.list_physical_devices("GPU") if share is not None else []
    if share is None or not devices:
        return
    limit = tf.config.LogicalDeviceConfiguration(memory_limit=int(share * _total_mib(gpus)))
    tf.config.set_logical_device_configuration(devices[0], [limit])


def limit_torch(torch: Any, gpus: float) -> None:
    """Bound PyTorch's allocator.

    Args:
        torch: the torch module.
        gpus: GPUs per trial.
    """
    share = fraction(gpus)
    if share is not None and torch.cuda.is_available():
        torch.cuda.set_per_process_memory_fraction(share)


def _total_mib(gpus: float) -> int:
    """Memory of the GPU that this process was given, in MiB."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    chosen = ("--id", given.split(",")[0]) if given else ()
    try:
        told = subprocess.run(
            [*_ASK, *chosen], capture_output=True, text=True, timeout=_ASK_SECONDS, check=True
        )
        return int(told.stdout.split()[0])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise ArchduelError(
            f"trials cannot share a GPU ({gpus:g} each): nvidia-smi does not tell how much memory "
            f"it has ({error}); set resources.gpus_per_trial to 1"
        ) from error
