"""Which trials one compiled program can train together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from service.contracts.strategy import width
from service.contracts.trial import Runtime, Seeds, Stage, TrialSpec, group_key

Spec = Callable[..., TrialSpec]


@pytest.mark.parametrize(
    "other",
    [
        {"seeds": Seeds(split=7, weights=8, order=9)},
        {"stage": Stage.RETRAIN, "repetition": 4, "number": 2},
        {"prune_at": (0.5,)},
        {"hyperparameters": {"learning_rate": 0.1, "batch_size": 16}},
    ],
)
def test_what_trials_that_train_together_may_differ_in(
    toy_spec: Spec, other: dict[str, object]
) -> None:
    one = toy_spec(hyperparameters={"learning_rate": 0.01, "batch_size": 16})
    assert group_key(toy_spec(**{"hyperparameters": one.hyperparameters, **other})) == group_key(
        one
    )


@pytest.mark.parametrize(
    "other",
    [
        {"variant": "functional"},
        {"budget": 500},
        {"epochs": 4},
        {"strategy": "vmap/8"},
        {"runtime": Runtime(threads=2)},
        {"hyperparameters": {"learning_rate": 0.01, "batch_size": 32}},
    ],
)
def test_what_they_must_share(toy_spec: Spec, other: dict[str, object]) -> None:
    one = toy_spec(hyperparameters={"learning_rate": 0.01, "batch_size": 16})
    assert group_key(toy_spec(**{"hyperparameters": one.hyperparameters, **other})) != group_key(
        one
    )


def test_a_strategy_says_how_many_it_trains_at_once() -> None:
    assert [width(name) for name in ("graph", "scan", "vmap/8", "vmap/128")] == [1, 1, 8, 128]
