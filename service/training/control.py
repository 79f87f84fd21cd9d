"""The control: the straight stack rebuilt through the Functional API, layer by layer.

Trained from the same weights on the same batches it must end with the same weights, bit for bit.
Then whatever separates the two variants of a pair is the architecture's doing, not the API's.
Where a user's own reference is a graph already, its control is a clone: it shows then that a
training is a function of its seeds, and nothing about the API.
"""

from __future__ import annotations

from typing import Any


def rebuild(model: Any) -> Any:
    """Rebuild a reference as a `keras.Model` of the same layers in the same order.

    Args:
        model: a built `keras.Sequential`, or a functional model.

    Returns:
        A functional model with new layers of the same configuration and all variables' values
        copied, the states of random generators (dropout) included.
    """
    import keras

    control = _chained(model) if isinstance(model, keras.Sequential) else _cloned(model)
    for new, old in zip(control.variables, model.variables, strict=True):
        new.assign(old)
    return control


def _chained(model: Any) -> Any:
    import keras

    first = model.inputs[0]
    tensor = source = keras.Input(shape=first.shape[1:], dtype=first.dtype, name=first.name)
    for layer in model.layers:
        tensor = layer.__class__.from_config(layer.get_config())(tensor)
    return keras.Model(source, tensor)


def _cloned(model: Any) -> Any:
    import keras

    return keras.models.clone_model(model)
