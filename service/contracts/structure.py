"""What a built model looks like: every call of a layer, and who reads what."""

from __future__ import annotations

from service.contracts.trial import Frozen

Shape = tuple[int | None, ...]
"""Sizes without the batch axis; None where any size is taken."""


class Call(Frozen):
    """One call of a layer; a shared layer has several.

    Args:
        layer: the layer's name, within the models it is nested in ("tower/conv2d").
        kind: its class ("Conv2D").
        told: its settings in a few words ("3x3, relu").
        inputs: positions of the calls whose outputs it reads, in its own order.
        shapes: of its outputs.
        parameters: weights of the layer, told with each of its calls.
        turn: which of the layer's calls this is, from 0.
        tensors: indices of the outputs read, one for each of `inputs`.
    """

    layer: str
    kind: str
    told: str = ""
    inputs: tuple[int, ...] = ()
    shapes: tuple[Shape, ...] = ()
    parameters: int = 0
    turn: int = 0
    tensors: tuple[int, ...] = ()


class Fault(Frozen):
    """What Keras says when one layer does not fit where it stands.

    Args:
        layer: the layer that was built for other inputs.
        error: the exception's class, None when nothing was raised.
        message: its text, cut.
        named: whether the text names the layer.
    """

    layer: str
    error: str | None
    message: str
    named: bool


class Structure(Frozen):
    """A built model as a graph.

    Args:
        calls: in an order in which everything is computed before it is read; inputs are calls of
            kind "InputLayer".
        inputs, outputs: positions of the model's inputs and outputs.
        sequential: whether it was built with `keras.Sequential`.
        fault: the answer to a planted mistake; None where none was planted.
    """

    calls: tuple[Call, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    sequential: bool
    fault: Fault | None = None
