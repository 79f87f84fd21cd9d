"""The graph of a built Keras model as a plain record."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from service.contracts.structure import Call, Shape, Structure

Place = tuple[int, int]
"""A tensor: the position of the call it comes from, and which of its outputs it is."""


def structure(model: Any) -> Structure:
    """Walk a model's graph from its inputs to its outputs, nested models unfolded.

    Args:
        model: a built `keras.Sequential` or functional model.

    Returns:
        Every call of a layer with its shapes, parameters and readers.
    """
    import keras

    walk = _Walk(names(model))
    outputs = walk.through(model, None, "")
    return Structure(
        calls=tuple(walk.calls),
        inputs=tuple(i for i, call in enumerate(walk.calls) if call.kind == "InputLayer"),
        outputs=tuple(place for place, _ in outputs),
        sequential=isinstance(model, keras.Sequential),
    )


def names(model: Any) -> dict[int, str]:
    """Names of a model's layers that do not depend on what was built before it in this process.

    Keras numbers layers that nobody named over the whole process ("dense_17"): they are numbered
    anew within the model, in their order.

    Args:
        model: a built model.

    Returns:
        By the layer's id, its name; the layers of nested models are there too.
    """
    import keras

    found: dict[int, str] = {}
    counts: Counter[str] = Counter()
    for layer in model.layers:
        own = keras.src.utils.naming.to_snake_case(type(layer).__name__)
        name = layer.name
        if re.fullmatch(rf"{own}(_\d+)?", name):
            counts[own] += 1
            name = own if counts[own] == 1 else f"{own}_{counts[own]}"
        found[id(layer)] = name
        if isinstance(layer, keras.Model):
            found.update(names(layer))
    return found


class _Walk:
    def __init__(self, names: dict[int, str]) -> None:
        self.calls: list[Call] = []
        self._names = names
        self._turns: Counter[int] = Counter()

    def through(self, model: Any, given: list[Place] | None, scope: str) -> list[Place]:
        """Record the calls of a model.

        Args:
            model: the model.
            given: where its inputs come from; None for the outermost model, whose inputs are calls.
            scope: the names of the models it is nested in, each followed by a slash.

        Returns:
            Where its outputs come from.
        """
        import keras

        graph = model._functional if isinstance(model, keras.Sequential) else model
        places: dict[int, Place] = {}
        if given is None:
            given = [place for tensor in graph.inputs for place in self._input(tensor)]
        places.update((id(t), p) for t, p in zip(graph.inputs, given, strict=True))
        for depth in sorted(graph._nodes_by_depth, reverse=True):
            for node in graph._nodes_by_depth[depth]:
                layer = node.operation
                if isinstance(layer, keras.layers.InputLayer):
                    continue
                read = [places[id(tensor)] for tensor in node.input_tensors]
                if isinstance(layer, keras.Model):
                    found = self.through(layer, read, f"{scope}{self._name(layer)}/")
                else:
                    found = self._called(layer, node, read, scope)
                places.update((id(t), p) for t, p in zip(node.output_tensors, found, strict=True))
        return [places[id(tensor)] for tensor in graph.outputs]

    def _name(self, layer: Any) -> str:
        return self._names.get(id(layer), str(layer.name))

    def _input(self, tensor: Any) -> list[Place]:
        """Record an input of the outermost model, in the order in which it declares them."""
        node = tensor._keras_history.operation._inbound_nodes[0]
        return self._called(node.operation, node, [], "")

    def _called(self, layer: Any, node: Any, read: list[Place], scope: str) -> list[Place]:
        self.calls.append(
            Call(
                layer=f"{scope}{self._name(layer)}",
                kind=type(layer).__name__,
                told=told(layer),
                inputs=tuple(place for place, _ in read),
                tensors=tuple(which for _, which in read),
                shapes=tuple(_shape(tensor) for tensor in node.output_tensors),
                parameters=int(layer.count_params()) if hasattr(layer, "count_params") else 0,
                turn=self._turns[id(layer)],
            )
        )
        self._turns[id(layer)] += 1
        here = len(self.calls) - 1
        return [(here, which) for which in range(len(node.output_tensors))]


def _shape(tensor: Any) -> Shape:
    return tuple(None if size is None else int(size) for size in tensor.shape[1:])


def told(layer: Any) -> str:
    """A layer's settings in a few words; what its output's shape tells is left out."""
    parts: list[str] = []
    for name in ("kernel_size", "pool_size", "size"):
        if _has(layer, name):
            value = getattr(layer, name)
            parts.append("x".join(map(str, value if isinstance(value, tuple) else (value,))))
    strides = getattr(layer, "strides", 1)
    steps = strides if isinstance(strides, tuple) else (strides,)
    if _has(layer, "filters") and any(step != 1 for step in steps):
        parts.append(f"stride {steps[0]}")
    if _has(layer, "rate"):
        parts.append(f"rate {layer.rate:g}")
    activation = getattr(getattr(layer, "activation", None), "__name__", "linear")
    if activation != "linear" and not hasattr(layer, "recurrent_activation"):
        parts.append(activation)
    return ", ".join(parts)


def _has(layer: Any, name: str) -> bool:
    return isinstance(getattr(layer, name, None), int | float | tuple)
