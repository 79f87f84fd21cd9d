"""Every pair under every strategy ends where Keras' own loop ends, from equal weights and batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from service import catalog
from service.contracts.data import Examples
from service.contracts.pair import Choice, Pair, Real
from service.training import runtime
from service.training.course import Orders
from service.training.material import Materials
from service.training.packing import packed, viewed
from service.training.program import Objective, values, variables
from service.training.rates import Rates, adjustable
from service.training.seeding import seed_builders
from service.training.strategies import program
from tests.training.backend import COMPILED, RUNTIME

EPOCHS, STEPS, BATCH = 3, 3, 8
EPSILON = 1e-3
"""Adam divides by the gradient's size: where that is rounding alone it would blow rounding up."""

QUICK = ("iris", "regression", "stock_prices")


@pytest.fixture(scope="module")
def keras() -> Any:
    return runtime.prepare(RUNTIME)


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=() if name in QUICK else pytest.mark.slow)
        for name in catalog.names()
    ],
)
def case(request: pytest.FixtureRequest, keras: Any) -> tuple[Pair, Examples, Examples]:
    """A pair with a few of its examples, to train on and to watch."""
    pair = catalog.locate(request.param).pair
    material = Materials(pair, pair.sources[0].load(None)).get(1)
    few = np.arange(STEPS * BATCH)
    return pair, material.train.take(few), material.validation.take(few)


def hyperparameters(pair: Pair, variant: str, *, dropout: bool) -> dict[str, Any]:
    """Small, with the most dropout or with the least."""
    given: dict[str, Any] = {}
    for name, one in pair.space(pair.variant(variant), matched=False).items():
        if isinstance(one, Choice):
            ends = (min(one.values), max(one.values))
            given[name] = ends[dropout] if name == "dropout" else one.values[0]
        else:
            given[name] = one.low if isinstance(one, Real) else int(one.low)
    return given


@pytest.mark.parametrize("strategy", COMPILED)
@pytest.mark.parametrize("place", [0, 1])
def test_the_weights_are_those_of_keras_own_loop(
    keras: Any, case: tuple[Pair, Examples, Examples], place: int, strategy: str
) -> None:
    pair, train, watched = case
    variant = pair.variants[place]
    # TensorFlow's XLA draws its masks in another way. Others get their rate when they run.
    given = hyperparameters(pair, variant.name, dropout=strategy != "xla")
    compiled_for = {**given, "dropout": given["dropout"] / 2} if "dropout" in given else given
    train = Examples(viewed(train.inputs, variant.view), train.targets)
    weights = None if pair.loss_weights is None else pair.loss_weights(given)
    seed_builders(1)
    reference = variant.build(given)
    start = values(variables(reference))
    rates = Rates(0.01, dropout=tuple(layer.rate for layer in adjustable(reference)))
    seed_builders(2)
    objective = Objective(pair.loss, tuple(sorted(train.targets)), weights)
    ours = program(strategy, variant.build(compiled_for), objective)
    ours.model.optimizer.epsilon = EPSILON
    orders = Orders(3, len(train), BATCH).next(EPOCHS)

    reference.compile(
        optimizer=keras.optimizers.Adam(0.01, epsilon=EPSILON),
        loss=pair.loss if isinstance(pair.loss, str) else dict(pair.loss),
        loss_weights=None if weights is None else dict(weights),
        jit_compile=False,
    )
    for order in orders.reshape(-1, BATCH):
        batch = train.take(order)
        reference.train_on_batch(packed(batch.inputs), packed(batch.targets))

    ours.start(start, rates, train)
    inputs = viewed(watched.inputs, variant.view) if variant.answer is None else None
    try:
        chunk = ours.train(orders, inputs)
    except Exception as error:
        if "deterministic XLA implementation" not in str(error):
            raise
        kinds = {type(layer).__name__ for layer in ours.model._flatten_layers()}
        assert any("Pooling" in kind for kind in kinds)
        pytest.skip("TensorFlow has no deterministic gradient of pooling under XLA")

    for mine, theirs in zip(ours.model.get_weights(), reference.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=2e-3, atol=2e-4)
    if inputs is not None:
        assert chunk.predictions is not None
        expected = keras.tree.flatten(reference.predict_on_batch(packed(inputs)))
        answers = keras.tree.flatten(packed(chunk.predictions))
        for mine, theirs in zip(answers, expected, strict=True):
            np.testing.assert_allclose(mine[-1], theirs, rtol=1e-2, atol=1e-3)
