"""Counts against hand counts."""

from __future__ import annotations

from typing import Any

import pytest

from service.contracts.trial import Runtime
from service.training import anatomy, runtime


@pytest.fixture(scope="module")
def keras() -> Any:
    return runtime.prepare(Runtime())


def test_dense(keras: Any) -> None:
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3)]
    )
    assert anatomy.parameters(model) == (4 * 8 + 8) + (8 * 3 + 3)
    assert anatomy.flops(model) == (2 * 4 * 8 + 8) + (2 * 8 * 3 + 3)


def test_convolution_and_pooling(keras: Any) -> None:
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            keras.layers.Conv2D(5, 3, padding="same"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(7, 3, strides=2, padding="valid", use_bias=False),
        ]
    )
    first = 28 * 28 * 5 * (2 * 9 * 1 + 1)
    pool = 14 * 14 * 5 * 4
    second = 6 * 6 * 7 * (2 * 9 * 5)
    assert anatomy.flops(model) == first + pool + second


def test_recurrent_layers_count_every_step(keras: Any) -> None:
    model = keras.Sequential([keras.Input((10, 3)), keras.layers.LSTM(4)])
    per_step = 2 * 4 * 4 * (3 + 4) + 4 * 4 + 4 * 4
    assert anatomy.flops(model) == 10 * per_step


def test_a_shared_layer_counts_once_for_each_call_and_its_weights_once(keras: Any) -> None:
    left, right = keras.Input((6,)), keras.Input((6,))
    tower = keras.layers.Dense(5)
    merged = keras.layers.Subtract()([tower(left), tower(right)])
    model = keras.Model([left, right], merged)
    assert anatomy.parameters(model) == 6 * 5 + 5
    assert anatomy.flops(model) == 2 * (2 * 6 * 5 + 5) + 5


def test_nested_models_are_unfolded(keras: Any) -> None:
    inner = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5, name="inner")])
    source = keras.Input((6,))
    assert anatomy.flops(keras.Model(source, inner(source))) == 2 * 6 * 5 + 5


def test_a_layer_without_a_formula_makes_the_total_unknown(keras: Any) -> None:
    class Odd(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x * 2

    model = keras.Sequential([keras.Input((6,)), Odd(), keras.layers.Dense(5)])
    assert anatomy.flops(model) is None
    assert anatomy.unknown_layers(model) == ["Odd"]
