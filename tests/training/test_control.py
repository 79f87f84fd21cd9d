from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from service.contracts.trial import Runtime
from service.training import control, runtime
from service.training.program import values
from service.training.seeding import seed_builders


@pytest.fixture(scope="module")
def keras() -> Any:
    return runtime.prepare(Runtime())


def test_the_control_is_functional_and_starts_from_the_same_variables(keras: Any) -> None:
    seed_builders(1)
    layers = keras.layers
    stack = keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            layers.Conv2D(3, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(2),
        ]
    )
    rebuilt = control.rebuild(stack)
    assert not isinstance(rebuilt, keras.Sequential)
    assert [type(layer) for layer in rebuilt.layers[1:]] == [type(layer) for layer in stack.layers]
    assert not {id(layer) for layer in rebuilt.layers} & {id(layer) for layer in stack.layers}
    for new, old in zip(values(rebuilt.variables), values(stack.variables), strict=True):
        assert np.array_equal(new, old)


def test_a_reference_that_is_a_graph_already_has_a_clone_as_its_control(keras: Any) -> None:
    source = keras.Input((4,), name="x")
    hidden = keras.layers.Dense(3)(source)
    graph = keras.Model(source, keras.layers.Concatenate()([source, hidden]))
    rebuilt = control.rebuild(graph)
    assert rebuilt is not graph
    x = np.ones((2, 4), np.float32)
    assert np.array_equal(np.array(rebuilt(x)), np.array(graph(x)))
