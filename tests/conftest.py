"""What tests of several rooms share: the toy pair, its data, specs for it, and a world of fakes."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service import catalog
from service.contracts.data import Dataset
from service.contracts.pair import LocatedPair
from service.contracts.trial import Runtime, Seeds, Stage, TrialSpec

# Importlib mode puts no test folder on the path.
sys.path.insert(0, str(Path(__file__).parent / "toys"))

from world import World

TOY = Path(__file__).parent / "toys" / "toy_pair.py"


@pytest.fixture(scope="session")
def toy() -> LocatedPair:
    """The toy pair, found as a user's own file is."""
    return catalog.locate(f"{TOY}:PAIR")


@pytest.fixture(scope="session")
def toy_data(toy: LocatedPair) -> Dataset:
    return toy.pair.sources[0].load(None)


@pytest.fixture(scope="session")
def toy_spec(toy: LocatedPair, toy_data: Dataset) -> Callable[..., TrialSpec]:
    """Makes specs of the toy pair; every field can be set."""

    def make(mode: str | None = None, **changes: Any) -> TrialSpec:
        hyperparameters = {"learning_rate": 0.01, "batch_size": 16, "dropout": 0.3}
        if mode is not None:
            hyperparameters["mode"] = mode
        fields: dict[str, Any] = {
            "pair": "toy",
            "code": toy.code,
            "data": toy_data.fingerprint,
            "variant": "sequential",
            "stage": Stage.SEARCH,
            "repetition": 0,
            "number": 0,
            "hyperparameters": hyperparameters,
            "budget": 400,
            "epochs": 3,
            "seeds": Seeds(split=1, weights=2, order=3),
            "runtime": Runtime(),
        }
        return TrialSpec(**{**fields, **changes})

    return make


@pytest.fixture(scope="session")
def world() -> World:
    """Fakes of everything that a campaign needs."""
    return World()
