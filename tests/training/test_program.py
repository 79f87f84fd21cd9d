"""A faster path must compute what plain Keras computes from the same weights and batches."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from service.contracts.data import Dataset
from service.contracts.pair import LocatedPair
from service.contracts.strategy import OF_BACKEND
from service.contracts.trial import Runtime
from service.training import control, runtime
from service.training.cache import ProgramCache
from service.training.course import Orders
from service.training.graph_program import GraphProgram
from service.training.initial import Blueprint
from service.training.program import Objective, values, variables
from service.training.rates import Rates
from service.training.seeding import seed_builders
from service.training.strategies import program

WIDTH = {"width": 9, "dropout": 0.0}
DROPOUT = {"width": 9, "dropout": 0.3}
OBJECTIVE = Objective("sparse_categorical_crossentropy", ("y",))


@pytest.fixture(scope="module")
def keras() -> Any:
    return runtime.prepare(Runtime())


@pytest.fixture
def orders() -> np.ndarray[Any, Any]:
    """Three epochs of four batches of sixteen."""
    return Orders(0, 64, 16).next(3)


@pytest.fixture
def train(toy_data: Dataset) -> Any:
    return toy_data.examples.take(np.arange(64))


@pytest.fixture
def watched(toy_data: Dataset) -> Any:
    return toy_data.examples.take(np.arange(64, 92)).inputs


def by_fit(keras: Any, model: Any, train: Any, orders: Any) -> list[Any]:
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


@pytest.mark.parametrize("strategy", OF_BACKEND["tensorflow"])
@pytest.mark.parametrize("variant", ["sequential", "functional"])
def test_it_ends_where_fit_ends(
    keras: Any, toy: LocatedPair, train: Any, watched: Any, orders: Any, strategy: str, variant: str
) -> None:
    build = toy.pair.variant(variant).build
    seed_builders(5)
    reference = build(WIDTH)
    start = values(variables(reference))
    seed_builders(6)
    trained = program(strategy, build(WIDTH), OBJECTIVE)
    trained.start(start, Rates(0.01), train)
    chunk = trained.train(orders, watched)
    expected = by_fit(keras, reference, train, orders)
    for ours, theirs in zip(trained.model.get_weights(), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert list(chunk.losses) == sorted(chunk.losses, reverse=True)
    assert chunk.predictions is not None
    answers = reference.predict_on_batch(watched["x"])
    np.testing.assert_allclose(chunk.predictions["y"][-1], answers, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("strategy", OF_BACKEND["tensorflow"])
def test_chunks_and_restarts_change_no_bit(
    keras: Any, toy: LocatedPair, train: Any, watched: Any, orders: Any, strategy: str
) -> None:
    """Dropout, batch normalisation and the optimizer leave nothing behind, nor does a restore."""
    seed_builders(5)
    trained = program(strategy, toy.pair.reference.build(DROPOUT), OBJECTIVE)
    start = values(variables(trained.model))

    def weights() -> list[bytes]:
        return [weight.tobytes() for weight in trained.model.get_weights()]

    trained.start(start, Rates(0.01), train)
    whole = trained.train(orders, watched)
    expected = weights()

    trained.start(start, Rates(0.05), train)
    trained.train(orders, watched)
    assert weights() != expected

    trained.start(start, Rates(0.01), train)
    first = trained.train(orders[:1], watched)
    captured = trained.capture()
    trained.train(orders, None)
    trained.restore(captured)
    rest = trained.train(orders[1:], None)
    assert weights() == expected
    assert [*first.losses, *rest.losses] == list(whole.losses)
    assert rest.predictions is None
    np.testing.assert_array_equal(first.predictions["y"][0], whole.predictions["y"][0])


@pytest.mark.parametrize("strategy", OF_BACKEND["tensorflow"])
def test_dropout_draws_anew_in_every_step(
    keras: Any, toy: LocatedPair, train: Any, strategy: str
) -> None:
    seed_builders(5)
    trained = program(strategy, toy.pair.reference.build(DROPOUT), OBJECTIVE)
    same = np.tile(np.arange(16, dtype=np.int32), (4, 1, 1))
    # Nothing is learnt: only the masks differ.
    trained.start(values(variables(trained.model)), Rates(0.0), train)
    assert len(set(trained.train(same, None).losses)) == 4


def test_predictions_come_in_bounded_batches_and_in_order(keras: Any, toy: LocatedPair) -> None:
    seed_builders(5)
    trained = GraphProgram(toy.pair.reference.build(WIDTH), OBJECTIVE)
    x = np.random.default_rng(1).normal(size=(2500, 4)).astype(np.float32)
    found = trained.predict({"x": x})["y"]
    assert found.shape == (2500, 2)
    np.testing.assert_allclose(
        found[2100:2110], trained.predict({"x": x[2100:2110]})["y"], rtol=1e-5
    )


@pytest.mark.parametrize("wrap", [lambda model: model, control.rebuild])
@pytest.mark.parametrize("variant", ["sequential", "functional"])
def test_a_state_is_that_of_a_new_build_to_the_bit(
    keras: Any, toy: LocatedPair, variant: str, wrap: Any
) -> None:
    build = toy.pair.variant(variant).build
    blueprint = Blueprint(lambda: build(DROPOUT), wrap)
    assert blueprint.redraws
    for seed in (0, 1, 2**32 - 1):
        seed_builders(seed)
        expected = values(variables(build(DROPOUT)))
        for ours, theirs in zip(blueprint.state(seed), expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_builder_that_draws_by_itself_is_built_anew(keras: Any) -> None:
    def build() -> Any:
        start = keras.initializers.Constant(float(np.random.normal()))
        return keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, bias_initializer=start)])

    blueprint = Blueprint(build)
    assert not blueprint.redraws
    first, again, other = blueprint.state(1), blueprint.state(1), blueprint.state(2)
    assert [a.tobytes() for a in first] == [a.tobytes() for a in again]
    assert all(a.tobytes() != b.tobytes() for a, b in zip(first, other, strict=True))


def test_the_cache_is_bounded_and_counts() -> None:
    cache = ProgramCache(programs=2)
    built: list[str] = []

    def builder(key: str) -> Any:
        def build() -> Any:
            built.append(key)
            return SimpleNamespace(bytes=0, name=key)

        return build

    for key in "abacb":
        ready: Any = cache.get(key, builder(key))[0]
        assert ready.name == key
    assert built == ["a", "b", "c", "b"]
    assert (cache.compiled, cache.reused) == (4, 1)


def test_the_cache_is_bounded_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    grown = iter(range(0, 10_000, 100))
    monkeypatch.setattr("service.training.cache.resident_bytes", lambda: next(grown))
    cache = ProgramCache(held=250)
    for key in "abc":
        ready, _ = cache.get(key, lambda: SimpleNamespace(bytes=0))
        with cache.weighing(ready):
            pass  # each grows the process by 100
    assert cache.get("c", lambda: pytest.fail("it is there"))[1]
    assert cache.get("b", lambda: pytest.fail("it is there"))[1]
    cache.get("a", lambda: SimpleNamespace(bytes=0))
    assert cache.compiled == 4
