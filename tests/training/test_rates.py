"""One program trains models of any dropout rate and weight decay, as plain Keras trains each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from service.contracts.data import Dataset
from service.contracts.pair import LocatedPair
from service.contracts.strategy import program_key
from service.contracts.trial import Runtime, Seeds, Stage, TrialSpec
from service.training import runtime
from service.training.course import Orders
from service.training.likeness import likeness
from service.training.program import Objective, values, variables
from service.training.rates import Rates
from service.training.seeding import seed_builders
from service.training.strategies import program
from service.training.worker import Worker

RATES = ((0.0, 0.3), (0.5, 0.1), (0.02, 0.45), (3.0, 0.2), (0.0, 0.05))
"""Weight decay and dropout rate of five trainings."""

OBJECTIVE = Objective("sparse_categorical_crossentropy", ("y",), decay=0.1)
ORDERS = Orders(0, 64, 16).next(3)

Spec = Callable[..., TrialSpec]


@pytest.fixture(scope="module")
def keras() -> Any:
    return runtime.prepare(Runtime())


def by_keras(keras: Any, model: Any, decay: float, train: Any) -> list[Any]:
    """Plain Keras with these rates as constants, and nothing of ours."""
    model.compile(
        optimizer=keras.optimizers.Adam(0.01, weight_decay=decay),
        loss="sparse_categorical_crossentropy",
        jit_compile=False,
    )
    for order in ORDERS:
        batch = train.take(order.reshape(-1))
        model.fit(batch.inputs["x"], batch.targets["y"], batch_size=16, shuffle=False, verbose=0)
    return list(model.get_weights())


def test_one_graph_ends_where_keras_ends_with_each_rate(
    keras: Any, toy: LocatedPair, toy_data: Dataset
) -> None:
    build = toy.pair.reference.build
    train = toy_data.examples.take(np.arange(64))
    ours: Any = program("graph", build({"width": 9, "dropout": 0.4}), OBJECTIVE)
    for decay, dropout in RATES:
        seed_builders(5)
        reference = build({"width": 9, "dropout": dropout})
        ours.start(values(variables(reference)), Rates(0.01, decay, (dropout,)), train)
        ours.train(ORDERS, None)
        expected = by_keras(keras, reference, decay, train)
        for mine, theirs in zip(ours.model.get_weights(), expected, strict=True):
            np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)
    assert len(ours._traced) == 1


@pytest.mark.slow
def test_xla_computes_with_an_input_what_it_computes_with_its_own_rate(
    keras: Any, toy: LocatedPair, toy_data: Dataset
) -> None:
    """To the bit; XLA draws other masks than Keras' own loop does."""
    train = toy_data.examples.take(np.arange(64))
    build = toy.pair.reference.build
    shared: Any = program("xla", build({"width": 9, "dropout": 0.4}), OBJECTIVE)
    alone: Any = program("xla", build({"width": 9, "dropout": 0.1}), OBJECTIVE)
    start = values(variables(alone.model))
    ended = []
    for one, dropout in ((alone, None), (shared, (0.1,)), (shared, (0.2,))):
        one.start(start, Rates(0.01, 0.5, dropout), train)
        one.train(ORDERS, None)
        ended.append([weight.tobytes() for weight in one.model.get_weights()])
    assert ended[0] == ended[1] != ended[2]


def specs(toy_spec: Spec, **changes: Any) -> list[TrialSpec]:
    return [
        toy_spec(
            hyperparameters={
                "learning_rate": 0.01,
                "batch_size": 16,
                "dropout": dropout,
                "weight_decay": decay,
            },
            seeds=Seeds(split=1, weights=number, order=number),
            **changes,
        )
        for number, (decay, dropout) in enumerate(RATES)
    ]


def test_a_worker_compiles_one_program_for_trials_of_many_rates(
    toy: LocatedPair, toy_data: Dataset, toy_spec: Spec
) -> None:
    """And who compiled it, and for which trial, changes no number of another."""
    trials = specs(toy_spec, stage=Stage.RETRAIN)
    workers = [Worker({"toy": toy}, {"toy": toy_data}, Runtime(), 60) for _ in range(2)]
    forth = [workers[0].run(spec).result for spec in trials]
    back = [workers[1].run(spec).result for spec in reversed(trials)][::-1]
    assert all(result.ok for result in forth)
    assert workers[0]._trainers["toy"]._models.programs.compiled == 1
    assert [result.cost.reused_program for result in forth] == [False, True, True, True, True]
    assert [result.numbers() for result in forth] == [result.numbers() for result in back]
    assert len({result.weights_digest for result in forth}) == len(trials)
    model = forth[0].structure
    assert model is not None
    assert [call.told for call in model.calls if call.kind == "Dropout"] == ["rate 0.3"]


def test_what_schedules_believes_that_a_number_which_is_not_whole_is_a_rate(
    toy_spec: Spec,
) -> None:
    assert len({program_key(spec) for spec in specs(toy_spec)}) == 1
    assert len({program_key(spec) for spec in specs(toy_spec, strategy="fit")}) == 5
    other = specs(toy_spec)[0].hyperparameters
    widths = [toy_spec(hyperparameters={**other, "width": width}) for width in (4, 8)]
    assert program_key(widths[0]) != program_key(widths[1])


# -- which models are alike -------------------------------------------------------------------


def alike(keras: Any, one: Callable[[], list[Any]], other: Callable[[], list[Any]]) -> bool:
    def digest(layers: Callable[[], list[Any]]) -> Any:
        return likeness(lambda: keras.Sequential([keras.Input((4,)), *layers()]))[0].digest

    digests = [digest(layers) for layers in (one, other)]
    return None not in digests and digests[0] == digests[1]


def test_models_are_alike_that_differ_in_rates_alone(keras: Any) -> None:
    layers = keras.layers

    def net(dropout: float, **changes: Any) -> Callable[[], list[Any]]:
        return lambda: [layers.Dropout(dropout), layers.Dense(2, **changes)]

    assert alike(keras, net(0.1), net(0.9))
    assert not alike(keras, net(0.1), net(0.0))
    assert not alike(keras, net(0.1), net(0.9, activation="relu"))
    assert not alike(keras, net(0.1), net(0.9, kernel_regularizer=keras.regularizers.L2(0.1)))
    assert not alike(keras, net(0.1), net(0.9, bias_initializer=keras.initializers.Constant(0.1)))
    assert not alike(keras, net(0.1), lambda: [*net(0.9)(), layers.Dropout(0.1)])


def test_rates_are_read_from_the_model_whatever_its_builder_makes_of_them(keras: Any) -> None:
    def build() -> Any:
        half = keras.layers.Dropout(0.15)
        inner = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.3), half])
        return keras.Sequential([keras.Input((4,)), half, inner, keras.layers.Dense(2)])

    assert sorted(likeness(build)[0].dropout) == [0.15, 0.3]


def test_a_layer_of_the_users_own_might_hold_more_than_it_tells(keras: Any) -> None:
    class Scaled(keras.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self, scale: float = 1.0) -> None:
            super().__init__(name="scaled")
            self.scale = scale

        def get_config(self) -> dict[str, Any]:
            return {}

        def call(self, inputs: Any) -> Any:
            return inputs * self.scale

    assert not alike(keras, lambda: [Scaled(1.0)], lambda: [Scaled(2.0)])
    assert not alike(
        keras,
        lambda: [keras.layers.Lambda(lambda x: x, name="same")],
        lambda: [keras.layers.Lambda(lambda x: x, name="same")],
    )
