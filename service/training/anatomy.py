"""What a model is made of: its weights, how many they are, and floating-point operations by formula.

Profilers undercount loops and fused operations, so the count is made from layer shapes. The
convention: one multiply-add is two operations; activations are not counted; one example, forward.
A layer without a formula makes the total unknown rather than wrong.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Shape = tuple[int, ...]


def parameters(model: Any) -> int:
    """All weights of the model, trainable or not; states of random generators are not weights."""
    return int(model.count_params())


def flops(model: Any) -> int | None:
    """Floating-point operations of one example's forward pass, or None where a layer is unknown."""
    total = 0
    for layer, inputs, outputs in _calls(model):
        formula = _formula(layer)
        if formula is None:
            return None
        total += formula(layer, inputs, outputs)
    return total


def unknown_layers(model: Any) -> list[str]:
    """Class names of layers that have no formula."""
    return sorted(
        {type(layer).__name__ for layer, _, _ in _calls(model) if _formula(layer) is None}
    )


def _calls(model: Any) -> Iterator[tuple[Any, list[Shape], list[Shape]]]:
    """Every call of a layer in the graph (a shared layer has several), nested models unfolded.

    Shapes come without the batch axis.
    """
    import keras

    graph = model._functional if isinstance(model, keras.Sequential) else model
    for node in (node for nodes in graph._nodes_by_depth.values() for node in nodes):
        layer = node.operation
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if isinstance(layer, keras.Model):
            yield from _calls(layer)
        else:
            yield layer, _shapes(node.input_tensors), _shapes(node.output_tensors)


def _shapes(tensors: Any) -> list[Shape]:
    return [tuple(int(size or 1) for size in tensor.shape[1:]) for tensor in tensors]


Formula = Callable[[Any, list[Shape], list[Shape]], int]


def _formula(layer: Any) -> Formula | None:
    for kind in type(layer).__mro__:
        if kind.__name__ in _FORMULAS:
            return _FORMULAS[kind.__name__]
    return None


def _free(layer: Any, inputs: list[Shape], outputs: list[Shape]) -> int:
    return 0


def _bias(layer: Any, outputs: list[Shape]) -> int:
    return prod(outputs[0]) if layer.use_bias else 0


def _products(layer: Any) -> int:
    """Multiply-adds of one kernel position, per input channel."""
    return prod(int(size) for size in layer.kernel_size)


def _dense(layer: Any, inputs: list[Shape], outputs: list[Shape]) -> int:
    return 2 * inputs[0][-1] * prod(outputs[0]) + _bias(layer, outputs)


def _convolution(layer: Any, inputs: list[Shape], outputs: list[Shape]) -> int:
    channels = inputs[0][-1] // int(layer.groups)
    return 2 * _products(layer) * channels * prod(outputs[0]) + _bias(layer, outputs)


def _transposed(layer: Any, inputs: list[Shape], outputs: list[Shape]) -> int:
    # Each input value is spread over one kernel for every output channel.
    return 2 * _products(layer) * prod(inputs[0]) * int(layer.filters) + _bias(layer, outputs)


def _depthwise(layer: Any, inputs: list[Shape], outputs: list[Shape]) -> int:
    return 2 * _products(layer) * prod(outputs[0]) + _bias(layer, outputs)


def _separable(layer: Any, inputs: list[Shape], outputs: list[Shape]) -> int:
    positions = prod(outputs[0][:-1])
    between = inputs[0][-1] * int(layer.depth_multiplier)
    depthwise = 2 * _products(layer) * positions * between
    return depthwise + 2 * between * prod(outputs[0]) + _bias(layer, outputs)


def _pooling(layer: Any, inputs: list[Shape], outputs: list[Shape]) -> int:
    return prod(int(size) for size in layer.pool_size) * prod(outputs[0])


def _reduction(layer: Any, inputs: list[Shape], outputs: list[Shape]) -> int:
    return prod(inputs[0])


def _scale_and_shift(layer: Any, inputs: list[Shape], outputs: list[Shape]) -> int:
    return 2 * prod(outputs[0])


def _layer_normalization(layer: Any, inputs: list[Shape], outputs: list[Shape]) -> int:
    # Mean, variance (subtract, square, add), normalise, scale and shift.
    return 8 * prod(outputs[0])


def _merge(layer: Any, inputs: list[Shape], outputs: list[Shape]) -> int:
    return (len(inputs) - 1) * prod(outputs[0])


def _dot(layer: Any, inputs: list[Shape], outputs: list[Shape]) -> int:
    axis = layer.axes if isinstance(layer.axes, int) else layer.axes[0]
    contracted = inputs[0][axis - 1] if axis > 0 else inputs[0][axis]
    return 2 * contracted * prod(outputs[0])


def _recurrent(gates: int, extra: int) -> Formula:
    def count(layer: Any, inputs: list[Shape], outputs: list[Shape]) -> int:
        steps, width = inputs[0]
        products = 2 * gates * layer.units * (width + layer.units)
        biases = gates * layer.units if layer.use_bias else 0
        return int(steps * (products + biases + extra * layer.units))

    return count


def _attention(layer: Any, inputs: list[Shape], outputs: list[Shape]) -> int:
    # Scores (query x key) and the weighted sum of the values.
    (queries, width), (values, depth) = inputs[0], inputs[1]
    return 2 * queries * values * (width + depth)


_FORMULAS: dict[str, Formula] = {
    **dict.fromkeys(
        (
            "Activation", "ActivityRegularization", "AlphaDropout", "Concatenate", "Cropping1D",
            "Cropping2D", "Dropout", "ELU", "Embedding", "Flatten", "GaussianDropout",
            "GaussianNoise", "Identity", "LeakyReLU", "Masking", "PReLU", "Permute", "ReLU",
            "RepeatVector", "Reshape", "Softmax", "SpatialDropout1D", "SpatialDropout2D",
            "UpSampling1D", "UpSampling2D", "ZeroPadding1D", "ZeroPadding2D",
        ),
        _free,
    ),
    **dict.fromkeys(("Add", "Average", "Maximum", "Minimum", "Multiply", "Subtract"), _merge),
    **dict.fromkeys(
        (
            "GlobalAveragePooling1D", "GlobalAveragePooling2D", "GlobalMaxPooling1D",
            "GlobalMaxPooling2D",
        ),
        _reduction,
    ),
    **dict.fromkeys(
        ("AveragePooling1D", "AveragePooling2D", "MaxPooling1D", "MaxPooling2D"), _pooling
    ),
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D"), _convolution),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose"), _transposed),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _depthwise),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _separable),
    **dict.fromkeys(("BatchNormalization", "Normalization", "Rescaling"), _scale_and_shift),
    "Attention": _attention,
    "Dense": _dense,
    "Dot": _dot,
    "GRU": _recurrent(gates=3, extra=6),
    "LSTM": _recurrent(gates=4, extra=4),
    "LayerNormalization": _layer_normalization,
    "SimpleRNN": _recurrent(gates=1, extra=0),
}  # fmt: skip


def digest(weights: Sequence[NDArray[Any]]) -> str:
    """A hash of a model's weights, bit for bit."""
    total = hashlib.sha256()
    for value in weights:
        total.update(np.ascontiguousarray(value).tobytes())
    return total.hexdigest()[:16]
