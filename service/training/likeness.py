"""Which models one program serves: those that differ in their dropout rates alone.

Which hyperparameter sets which rate is not asked. A model is built for every combination of
hyperparameters that is new to a worker, and compared whole: the configuration of all its layers
with the rates left out, and its first values. So a builder may halve a rate, share it between
layers, or change the architecture beyond some value; only what is truly the same shares a program.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from service.training.initial import TRIED_SEED
from service.training.program import values, variables
from service.training.rates import adjustable
from service.training.seeding import seed_builders

MASK = 0.5
"""The rate that all layers of `adjustable` have where models are compared."""


@dataclass(frozen=True)
class Likeness:
    """What of a model its program is compiled for, and what it takes as inputs.

    Args:
        digest: of everything but the rates; None where a layer of the user's own might hold more
            than its configuration tells.
        dropout: the rates of the layers that `service.training.rates.adjustable` lists.
    """

    digest: str | None
    dropout: tuple[float, ...]


def likeness(build: Callable[[], Any]) -> tuple[Likeness, list[NDArray[Any]]]:
    """Build a model with `TRIED_SEED`.

    Args:
        build: makes it; all that it draws comes from `seed_builders`.

    Returns:
        Its likeness, and the first values of its variables.
    """
    with _numbered_anew():
        seed_builders(TRIED_SEED)
        model = build()
    layers = adjustable(model)
    dropout = tuple(float(layer.rate) for layer in layers)
    fresh = values(variables(model))
    for layer in layers:
        layer.rate = MASK
    config = _config(model)
    if config is None:
        return Likeness(None, dropout), fresh
    digest = hashlib.sha256(config.encode())
    for value in fresh:
        digest.update(f"{value.dtype}{value.shape}".encode())
        digest.update(value.tobytes())
    return Likeness(digest.hexdigest(), dropout), fresh


def _config(model: Any) -> str | None:
    """A model's configuration as text; None where it may not tell everything."""
    import keras

    try:
        told = keras.saving.serialize_keras_object(model)
        text = json.dumps(told, sort_keys=True)
    except Exception:
        return None  # Whatever a layer of the user's own cannot say of itself.
    return text if _is_of_keras(told) else None


def _is_of_keras(told: Any) -> bool:
    """Whether everything in a configuration is of Keras' own kinds; a Lambda holds anyone's code."""
    if isinstance(told, list | tuple):
        return all(map(_is_of_keras, told))
    if not isinstance(told, dict):
        return True
    module, kind = told.get("module"), told.get("class_name")
    if "module" in told and str(module).split(".")[0] != "keras":
        return False
    return kind not in ("Lambda", "__lambda__", "function") and all(
        map(_is_of_keras, told.values())
    )


@contextmanager
def _numbered_anew() -> Iterator[None]:
    """Layers that nobody named are numbered from the first, whatever was built before."""
    from keras.src.backend.common import global_state

    name = "object_name_uids"
    before = global_state.get_global_attribute(name)
    global_state.set_global_attribute(name, defaultdict(int))
    try:
        yield
    finally:
        global_state.set_global_attribute(name, before)
