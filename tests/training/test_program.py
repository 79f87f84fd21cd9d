"""A faster path must compute what plain Keras computes from the same weights and batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from service.contracts.data import Dataset
from service.contracts.pair import LocatedPair
from service.contracts.trial import Runtime
from service.training import runtime
from service.training.program import (
    GraphProgram,
    Objective,
    PlainProgram,
    ProgramCache,
    values,
    variables,
)
from service.training.seeding import seed_builders

WIDTH = {"width": 9, "dropout": 0.0}
OBJECTIVE = Objective("sparse_categorical_crossentropy", ("y",))


@pytest.fixture(scope="module")
def keras() -> Any:
    return runtime.prepare(Runtime())


@pytest.fixture
def orders() -> list[np.ndarray[Any, Any]]:
    rng = np.random.default_rng(0)
    return [rng.permutation(64).reshape(4, 16).astype(np.int32) for _ in range(3)]


def by_fit(keras: Any, model: Any, train: Any, orders: list[Any]) -> list[Any]:
    """Plain `model.fit` on the same batches, and nothing of ours."""
    model.compile(
        optimizer=keras.optimizers.Adam(0.01),
        loss="sparse_categorical_crossentropy",
        jit_compile=False,
    )
    for order in orders:
        batch = train.take(order.reshape(-1))
        model.fit(batch.inputs["x"], batch.targets["y"], batch_size=16, shuffle=False, verbose=0)
    return list(model.get_weights())


@pytest.mark.parametrize("kind", [GraphProgram, PlainProgram])
@pytest.mark.parametrize("variant", ["sequential", "functional"])
def test_it_ends_where_fit_ends(
    keras: Any, toy: LocatedPair, toy_data: Dataset, orders: Any, kind: Any, variant: str
) -> None:
    build = toy.pair.variant(variant).build
    train = toy_data.examples.take(np.arange(64))
    seed_builders(5)
    reference = build(WIDTH)
    start = values(variables(reference))
    seed_builders(6)
    program = kind(build(WIDTH), OBJECTIVE)
    program.start(start, 0.01, train)
    losses = [program.epoch(order) for order in orders]
    expected = by_fit(keras, reference, train, orders)
    for ours, theirs in zip(program.model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("kind", [GraphProgram, PlainProgram])
def test_a_program_started_again_repeats_itself_to_the_bit(
    keras: Any, toy: LocatedPair, toy_data: Dataset, orders: Any, kind: Any
) -> None:
    """Dropout, batch normalisation and the optimizer leave nothing behind."""
    train = toy_data.examples.take(np.arange(64))
    seed_builders(5)
    program = kind(
        toy.pair.reference.build({"width": 9, "dropout": 0.3}),
        OBJECTIVE,
    )
    start = values(variables(program.model))
    ends = []
    for rate in (0.01, 0.05, 0.01):
        program.start(start, rate, train)
        losses = [program.epoch(order) for order in orders]
        ends.append((losses, [w.tobytes() for w in program.model.get_weights()]))
    assert ends[0] == ends[2]
    assert ends[0] != ends[1]


def test_dropout_draws_anew_in_every_step(keras: Any, toy: LocatedPair, toy_data: Dataset) -> None:
    train = toy_data.examples.take(np.arange(64))
    seed_builders(5)
    program = GraphProgram(
        toy.pair.reference.build({"width": 9, "dropout": 0.3}),
        OBJECTIVE,
    )
    start = values(variables(program.model))
    same = np.arange(16, dtype=np.int32).reshape(1, 16)
    program.start(start, 0.0, train)  # Nothing is learnt: only the masks differ.
    assert len({program.epoch(same) for _ in range(4)}) == 4


def test_predictions_come_in_bounded_batches_and_in_order(keras: Any, toy: LocatedPair) -> None:
    seed_builders(5)
    program = GraphProgram(toy.pair.reference.build(WIDTH), OBJECTIVE)
    x = np.random.default_rng(1).normal(size=(2500, 4)).astype(np.float32)
    found = program.predict({"x": x})["y"]
    assert found.shape == (2500, 2)
    np.testing.assert_allclose(
        found[2100:2110], program.predict({"x": x[2100:2110]})["y"], rtol=1e-5
    )


def test_the_cache_is_bounded_and_counts() -> None:
    cache = ProgramCache(capacity=2)
    built: list[str] = []

    def builder(key: str) -> Any:
        return lambda: built.append(key) or key

    for key in "abacb":
        cache.get(key, builder(key))
    assert built == ["a", "b", "c", "b"]
    assert (cache.compiled, cache.reused) == (4, 1)
