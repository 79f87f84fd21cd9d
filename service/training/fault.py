"""A planted mistake: one layer that does not fit, and what Keras says about it.

The same mistake is made in both variants: their last layer whose weights depend on the size of the
input's last axis is built for one number more. So what is compared is the message alone.
"""

from __future__ import annotations

import re
from typing import Any

from service.contracts.structure import Fault
from service.training.structure import names

_KINDS = ("Dense", "Conv1D", "Conv2D", "LSTM", "GRU", "SimpleRNN")
_MOST = 600


def planted(model: Any) -> Fault | None:
    """Build the model anew with one layer that expects another shape.

    Args:
        model: a built `keras.Sequential` or functional model; it stays as it is.

    Returns:
        What came of it; None where no layer of the model's own takes such a mistake.
    """
    import keras

    graph = model._functional if isinstance(model, keras.Sequential) else model
    calls: dict[int, list[Any]] = {}
    for node in (node for nodes in graph._nodes_by_depth.values() for node in nodes):
        calls.setdefault(id(node.operation), []).append(node)
    fitting = [
        layer
        for layer in model.layers
        if type(layer).__name__ in _KINDS and len(calls.get(id(layer), ())) == 1
    ]
    if not fitting:
        return None
    victim = fitting[-1]
    shape = calls[id(victim)][0].input_tensors[0].shape
    name = names(model)[id(victim)]

    def copied(layer: Any) -> Any:
        copy = layer.__class__.from_config(layer.get_config())
        if layer is victim:
            copy.build((*shape[:-1], shape[-1] + 1))
        return copy

    try:
        keras.models.clone_model(model, clone_function=copied)
    except Exception as error:  # whatever Keras raises is what a person would read
        text = " ".join(str(error).split())
        own = re.compile(rf"\b{re.escape(victim.name)}\b")
        return Fault(
            layer=name,
            error=type(error).__name__,
            message=own.sub(name, text)[:_MOST],
            named=own.search(text) is not None,
        )
    return Fault(layer=name, error=None, message="nothing was raised", named=False)
