"""A model's graph as a record, and the answer to a planted mistake."""

from __future__ import annotations

from typing import Any

import pytest

from service.contracts.trial import Runtime
from service.training import runtime
from service.training.fault import planted
from service.training.structure import structure


@pytest.fixture(scope="module")
def keras() -> Any:
    return runtime.prepare(Runtime())


def stack(keras: Any) -> Any:
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            layers.Conv2D(4, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(3, activation="softmax", name="answer"),
        ]
    )


def test_a_stack_is_a_chain_with_shapes_and_parameters(keras: Any) -> None:
    found = structure(stack(keras))
    assert [call.kind for call in found.calls] == [
        "InputLayer", "Conv2D", "Flatten", "Dropout", "Dense",
    ]  # fmt: skip
    assert [call.inputs for call in found.calls] == [(), (0,), (1,), (2,), (3,)]
    assert found.calls[1].shapes == ((3, 3, 4),)
    assert [call.parameters for call in found.calls] == [0, 4 * 9 + 4, 0, 0, 36 * 3 + 3]
    assert [call.told for call in found.calls] == [
        "", "3x3, stride 2, relu", "", "rate 0.5", "softmax",
    ]  # fmt: skip
    assert found.sequential
    assert (found.inputs, found.outputs) == ((0,), (4,))


def test_names_do_not_depend_on_what_was_built_before(keras: Any) -> None:
    assert structure(stack(keras)) == structure(stack(keras))
    assert planted(stack(keras)) == planted(stack(keras))


def test_shared_and_nested_layers_are_unfolded_call_by_call(keras: Any) -> None:
    inputs = {name: keras.Input((6,), name=name) for name in ("first", "second")}
    tower = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5)], name="tower")
    merged = keras.layers.Subtract()([tower(one) for one in inputs.values()])
    found = structure(keras.Model(inputs, keras.layers.Dense(1, name="same")(merged)))
    towers = [call for call in found.calls if call.layer == "tower/dense"]
    assert [call.turn for call in towers] == [0, 1]
    assert [found.calls[call.inputs[0]].layer for call in towers] == ["first", "second"]
    (subtract,) = (call for call in found.calls if call.kind == "Subtract")
    assert [found.calls[place].layer for place in subtract.inputs] == ["tower/dense"] * 2
    assert len(found.inputs) == 2
    assert not found.sequential


def test_outputs_of_one_layer_are_told_apart(keras: Any) -> None:
    source = keras.Input((4, 3))
    whole, state, _ = keras.layers.LSTM(2, return_sequences=True, return_state=True)(source)
    model = keras.Model(source, [whole, keras.layers.Dense(1)(state)])
    found = structure(model)
    assert found.calls[1].shapes == ((4, 2), (2,), (2,))
    assert found.calls[2].tensors == (1,)
    assert found.outputs == (1, 2)


def test_the_planted_mistake_is_told_with_the_layers_name(keras: Any) -> None:
    for model in (stack(keras), keras.models.clone_model(stack(keras))):
        fault = planted(model)
        assert fault is not None
        assert fault.layer == "answer"
        assert fault.error == "ValueError"
        assert fault.named == ("answer" in fault.message)
        assert "36" in fault.message


def test_nothing_is_planted_where_nothing_fits(keras: Any) -> None:
    assert planted(keras.Sequential([keras.Input((4,)), keras.layers.ReLU()])) is None
