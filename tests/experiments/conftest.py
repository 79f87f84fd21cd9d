"""Every pair in `experiments.pairs`, found as the catalog finds them: one file, one PAIR."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest

import experiments.pairs
from service.contracts import Dataset, Examples, Pair
from service.contracts.trial import Runtime
from service.training import runtime

PAIRS: dict[str, Pair] = {
    module.name: importlib.import_module(f"experiments.pairs.{module.name}").PAIR
    for module in pkgutil.iter_modules(experiments.pairs.__path__)
}


@pytest.fixture(scope="session", autouse=True)
def prepared() -> None:
    """Keras is loaded as training loads it, whichever test comes first."""
    runtime.prepare(Runtime())


@cache
def _dataset(name: str) -> Dataset:
    return PAIRS[name].sources[0].load(None)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes `pair` runs once per pair; with `variant`, once per variant too."""
    if {"pair", "variant"} <= set(metafunc.fixturenames):
        both = [(pair, variant.name) for pair in PAIRS.values() for variant in pair.variants]
        ids = [f"{pair.name}-{variant}" for pair, variant in both]
        metafunc.parametrize(("pair", "variant"), both, ids=ids)
    elif "pair" in metafunc.fixturenames:
        metafunc.parametrize("pair", PAIRS.values(), ids=PAIRS.keys())


@pytest.fixture
def dataset(pair: Pair) -> Dataset:
    """The pair's default data; read once per process."""
    return _dataset(pair.name)


@pytest.fixture
def parts(pair: Pair, dataset: Dataset) -> dict[str, Examples]:
    """Train, validation and test of one draw, prepared."""
    split = pair.split(dataset, np.random.default_rng(0))
    train = dataset.examples.take(split.train)
    transform = pair.prepare(train) if pair.prepare else lambda examples: examples
    return {
        "train": transform(train),
        "validation": transform(dataset.examples.take(split.validation)),
        "test": transform(dataset.examples.take(split.test)),
    }


@pytest.fixture(scope="session")
def keras() -> Any:
    """Keras; importing it takes seconds, so only tests that need it do."""
    import keras

    return keras


@pytest.fixture
def network(keras: Any) -> Callable[..., Any]:
    """Build a variant's model from a seed."""

    def build(pair: Pair, variant: str, hyperparameters: dict[str, Any], seed: int = 0) -> Any:
        keras.utils.set_random_seed(seed)
        return pair.variant(variant).build(hyperparameters)

    return build
