"""Seeds everything a Keras builder draws from, without throwing compiled programs away."""

from __future__ import annotations

import random

import numpy as np


def seed_builders(seed: int) -> None:
    """Make everything that is built from here on a function of `seed`.

    Keras draws the seeds of initializers and dropout from Python's generator, and keeps one
    generator of its own for unseeded draws. `keras.utils.set_random_seed` would reset both, but it
    also calls `tf.random.set_seed`, which clears TensorFlow's kernel caches: measured, each warm
    program then spends 0.15 s before its next call, more than a small training takes. Keras'
    own operations never use TensorFlow's global seed; `prepare` sets that once for a process.
    """
    import keras
    from keras.src.backend.common import global_state
    from keras.src.random import seed_generator
    from keras.src.utils import rng_utils

    global_state.set_global_attribute(rng_utils.GLOBAL_RANDOM_SEED, seed)
    global_state.set_global_attribute(seed_generator.GLOBAL_SEED_GENERATOR, None)
    random.seed(seed)
    np.random.seed(seed)
    if keras.backend.backend() == "torch":
        import torch

        torch.manual_seed(seed)
