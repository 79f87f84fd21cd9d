"""A pair's data as a worker sees it: split, prepared, cached, the test split behind a door."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.contracts.data import Dataset, Examples, Split
from service.contracts.pair import Pair


@dataclass(frozen=True)
class Material:
    """One split of one data set, prepared by what the training examples alone tell.

    Args:
        train, validation: what a search may see.
        test_positions: of the test examples in the data set, shape (examples,); None where they
            belong to groups, and are no independent examples.
    """

    train: Examples
    validation: Examples
    _test: Examples
    _unprepared: Callable[[NDArray[np.int64]], Examples | None]
    test_positions: NDArray[np.int64] | None = None

    def read_test(self) -> Examples:
        """The test split; only a retrained winner calls this."""
        return self._test

    def read_test_unprepared(self, places: NDArray[np.int64]) -> Examples | None:
        """Some of the test examples as they are in the data set; only a retrained winner asks.

        Args:
            places: of the examples in the test split.

        Returns:
            None where preparing made other examples of them.
        """
        return self._unprepared(places)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Examples in train, validation and test."""
        return len(self.train), len(self.validation), len(self._test)


class Materials:
    """The splits of one pair; a few are kept, since trials of a repetition come together."""

    def __init__(self, pair: Pair, dataset: Dataset, capacity: int = 4) -> None:
        self._pair = pair
        self._dataset = dataset
        self._capacity = capacity
        self._cache: OrderedDict[int, Material] = OrderedDict()

    def get(self, seed: int) -> Material:
        """The split drawn from this seed."""
        if seed not in self._cache:
            self._cache[seed] = self._make(seed)
            if len(self._cache) > self._capacity:
                self._cache.popitem(last=False)
        self._cache.move_to_end(seed)
        return self._cache[seed]

    def _make(self, seed: int) -> Material:
        split = self._pair.split(self._dataset, np.random.default_rng(seed))
        _check(self._pair.name, split)
        train, validation, test = (
            self._dataset.examples.take(index)
            for index in (split.train, split.validation, split.test)
        )
        if self._pair.prepare is not None:
            transform = self._pair.prepare(train)
            train, validation, test = transform(train), transform(validation), transform(test)
        aligned = len(test) == len(split.test)

        def unprepared(places: NDArray[np.int64]) -> Examples | None:
            return self._dataset.examples.take(split.test[places]) if aligned else None

        positions = split.test if self._dataset.groups is None else None
        return Material(train, validation, test, unprepared, positions)


def _check(name: str, split: Split) -> None:
    """Raise ValueError when two splits share an example or one is empty: that would be leakage."""
    parts = {"train": split.train, "validation": split.validation, "test": split.test}
    for part, index in parts.items():
        if len(index) == 0:
            raise ValueError(f"pair '{name}': the {part} split is empty")
    together = np.concatenate(list(parts.values()))
    if len(np.unique(together)) != len(together):
        raise ValueError(f"pair '{name}': two splits share an example")
