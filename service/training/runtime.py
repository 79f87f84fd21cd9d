"""Prepares a process for training: backend, threads, devices, determinism, before Keras loads."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Any

from service.contracts.errors import ArchduelError, UserError
from service.contracts.trial import Runtime
from service.training import gpu_memory

_MODULES = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}
_prepared: Runtime | None = None


def environment(runtime: Runtime) -> dict[str, str]:
    """Environment variables a training process needs before its backend is imported."""
    threads = str(runtime.threads)
    variables = {
        "KERAS_BACKEND": runtime.backend,
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "TF_NUM_INTRAOP_THREADS": threads,
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "GRPC_VERBOSITY": "ERROR",
    }
    if runtime.backend == "jax":
        variables |= _of_jax(runtime)
    if not runtime.gpus:
        variables["CUDA_VISIBLE_DEVICES"] = ""
        variables["JAX_PLATFORMS"] = "cpu"
    return variables


def _of_jax(runtime: Runtime) -> dict[str, str]:
    # One thread more or less changes how sums are cut, and with it the last bits.
    flags = [f"--xla_cpu_multi_thread_eigen={'true' if runtime.threads > 1 else 'false'}"]
    variables = {"PJRT_NPROC": str(runtime.threads)}
    if runtime.gpus:
        flags.append("--xla_gpu_deterministic_ops=true")
        variables["XLA_PYTHON_CLIENT_PREALLOCATE"] = "false"
    if share := gpu_memory.fraction(runtime.gpus):
        variables["XLA_PYTHON_CLIENT_MEM_FRACTION"] = str(share)
    # What a user asks of XLA stays, but does not overrule what decides the bits.
    variables["XLA_FLAGS"] = " ".join([os.environ.get("XLA_FLAGS", ""), *flags]).strip()
    return variables


def check_installed(backend: str) -> None:
    """Raise `UserError` when the backend's package is missing."""
    if importlib.util.find_spec(_MODULES[backend]) is None:
        raise UserError(
            f"{backend} is not installed",
            hint=f"pip install 'archduel[{backend}]', or set another backend",
        )


def prepare(runtime: Runtime) -> Any:
    """Make this process ready to train as `runtime` says, and return the Keras module.

    A process trains under one runtime for its whole life: thread pools and devices cannot be
    changed once a backend has started.

    Raises:
        UserError: the backend is not installed.
        ArchduelError: Keras was loaded before under another runtime.
    """
    global _prepared
    if _prepared is not None:
        if _prepared != runtime:
            raise ArchduelError(
                f"this process trains with {_prepared!r} and cannot change to {runtime!r}; "
                "use the ray executor, or a new process"
            )
        import keras

        return keras
    check_installed(runtime.backend)
    loaded = "keras" in sys.modules
    os.environ.update(environment(runtime))
    if runtime.backend == "tensorflow":
        _prepare_tensorflow(runtime)
    elif runtime.backend == "torch":
        _prepare_torch(runtime)
    import keras

    if loaded and keras.backend.backend() != runtime.backend:
        raise ArchduelError(
            f"Keras was loaded with backend {keras.backend.backend()} before archduel could set "
            f"{runtime.backend}; set KERAS_BACKEND={runtime.backend}"
        )
    if runtime.backend == "tensorflow":
        # Once for the process: operations outside Keras need some seed, and what a trial draws is
        # set by `seeding.seed_builders`. On another backend this would load TensorFlow, too.
        keras.utils.set_random_seed(0)
    if runtime.gpus > 1:
        _spread(runtime)
    _prepared = runtime
    return keras


def _prepare_tensorflow(runtime: Runtime) -> None:
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(runtime.threads)
        # As many again for operations that do not wait for one another: with one, an epoch takes
        # 1.05 to 1.25 times as long. What is computed stays the same, bit for bit.
        tf.config.threading.set_inter_op_parallelism_threads(runtime.threads)
    except RuntimeError as error:
        raise ArchduelError(
            f"TensorFlow was started before archduel could set it up: {error}"
        ) from error
    gpu_memory.limit_tensorflow(tf, runtime.gpus)
    tf.config.experimental.enable_op_determinism()
    tf.get_logger().setLevel("ERROR")


def _prepare_torch(runtime: Runtime) -> None:
    import torch

    torch.set_num_threads(runtime.threads)
    torch.use_deterministic_algorithms(True)
    gpu_memory.limit_torch(torch, runtime.gpus)


def _spread(runtime: Runtime) -> None:
    """Train each model on several devices: every one of them has its variables and a part of a batch.

    Keras 3 does this with JAX alone; a plan that asks it of another backend is refused before.
    """
    import keras

    devices = keras.distribution.list_devices()
    wanted = int(runtime.gpus)
    if len(devices) < wanted:
        raise ArchduelError(f"a trial asks for {wanted} GPUs, but JAX sees {len(devices)}")
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices[:wanted]))
