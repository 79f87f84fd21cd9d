from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from service.contracts.data import Dataset, Examples, Split
from service.contracts.pair import LocatedPair
from service.training.material import Materials


def test_a_split_depends_on_its_seed_alone(toy: LocatedPair, toy_data: Dataset) -> None:
    first, again = Materials(toy.pair, toy_data), Materials(toy.pair, toy_data, capacity=1)
    again.get(2)
    same = again.get(1).train.inputs["x"]
    assert np.array_equal(first.get(1).train.inputs["x"], same)
    assert not np.array_equal(first.get(2).train.inputs["x"], same)


def test_preparation_sees_training_examples_alone(toy: LocatedPair, toy_data: Dataset) -> None:
    seen: list[Examples] = []

    def prepare(train: Examples):  # type: ignore[no-untyped-def]
        seen.append(train)
        return lambda examples: examples

    material = Materials(replace(toy.pair, prepare=prepare), toy_data).get(1)
    assert len(seen) == 1
    assert len(seen[0]) == material.counts[0]


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (Split(np.arange(10), np.arange(9, 20), np.arange(20, 30)), "two splits share an example"),
        (Split(np.arange(10), np.arange(10, 20), np.arange(0)), "the test split is empty"),
    ],
)
def test_a_split_that_leaks_is_refused(
    toy: LocatedPair, toy_data: Dataset, split: Split, message: str
) -> None:
    leaking = replace(toy.pair, split=lambda dataset, rng: split)
    with pytest.raises(ValueError, match=message):
        Materials(leaking, toy_data).get(1)
