"""Frees what compiled programs leave behind when a worker drops them."""

from __future__ import annotations

import gc
import sys


def sweep() -> None:
    """Free the memory of programs that nothing refers to any more.

    A program is full of circles, which Python frees when it gets round to it: rarely in a process
    of this size. And TensorFlow 2.21 keeps a function for each custom gradient that was ever traced
    (Keras' optimizers have one in every step), which holds the whole graph: several megabytes for
    each program. It is needed only while a gradient is taken through what was traced, which a
    compiled training has behind it.
    """
    ops = sys.modules.get("tensorflow.python.framework.ops")
    if ops is not None:
        registered = ops.gradient_registry._registry
        for name in [name for name in registered if name.startswith("CustomGradient-")]:
            del registered[name]
    gc.collect()
