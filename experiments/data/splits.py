"""Draws train, validation and test: at random, by class, by group, or by time.

Each function makes a splitter: a pure function of a data set and a generator. The three parts are
disjoint, none is empty, and positions come in increasing order: the trainer shuffles, not the split.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.contracts import Dataset, Split, UserError
from service.contracts.data import Splitter

Shares = tuple[float, float, float]
PARTS = ("train", "validation", "test")


def shuffled(*, train: float = 0.6, validation: float = 0.2, test: float = 0.2) -> Splitter:
    """Random parts, for targets without classes.

    Args:
        train, validation, test: fractions of the examples; they add up to 1.

    Returns:
        A splitter that uses every example. It raises `UserError` when there are too few.
    """
    shares = _checked(train, validation, test)

    def split(dataset: Dataset, rng: np.random.Generator) -> Split:
        sizes = apportion(len(dataset), shares)
        if min(sizes) == 0:
            raise UserError("a split has too few examples for three parts", value=len(dataset))
        order = rng.permutation(len(dataset))
        return Split(*(_positions(part) for part in np.split(order, np.cumsum(sizes)[:-1])))

    return split


def stratified(
    target: str, *, train: float = 0.6, validation: float = 0.2, test: float = 0.2
) -> Splitter:
    """Random parts in which every class has the same share as in the whole.

    Args:
        target: the name of the integer target that holds the classes, shape (examples,).
        train, validation, test: fractions of the examples; they add up to 1.

    Returns:
        A splitter that uses every example; each class is shared out by largest remainders, so the
        sizes of the parts are the same for every draw. It raises `UserError` when a class is too
        small to be in every part.
    """
    shares = _checked(train, validation, test)

    def split(dataset: Dataset, rng: np.random.Generator) -> Split:
        labels = _vector(dataset.examples.targets[target], target)
        pieces: tuple[list[NDArray[np.int64]], ...] = ([], [], [])
        for label in np.unique(labels):
            members = rng.permutation(np.flatnonzero(labels == label))
            sizes = apportion(len(members), shares)
            if min(sizes) == 0:
                raise UserError(
                    f"class {label} of target '{target}' has too few examples "
                    f"to be in train, validation and test",
                    value=len(members),
                )
            for piece, part in zip(pieces, np.split(members, np.cumsum(sizes)[:-1]), strict=True):
                piece.append(part)
        return Split(*(_positions(np.concatenate(piece)) for piece in pieces))

    return split


def by_group(*, train: float = 0.6, validation: float = 0.2, test: float = 0.2) -> Splitter:
    """Random parts that share no group, so that nobody in the test split was seen in training.

    Args:
        train, validation, test: fractions of the examples; they add up to 1. Groups stay whole, so
            no part is larger than its fraction by a whole group or more.

    Returns:
        A splitter that uses every example of a data set with `groups`. It raises `UserError` when
        there are fewer than three of them.
    """
    shares = _checked(train, validation, test)

    def split(dataset: Dataset, rng: np.random.Generator) -> Split:
        groups, membership, sizes = np.unique(
            _groups(dataset), return_inverse=True, return_counts=True
        )
        if len(groups) < len(PARTS):
            raise UserError(
                "a split by group needs at least one group each for train, validation and test",
                value=len(groups),
            )
        wanted = np.array(shares) * len(dataset)
        part_of = np.empty(len(groups), np.int64)
        empty = np.ones(len(PARTS), bool)
        for left, group in zip(
            range(len(groups), 0, -1), rng.permutation(len(groups)), strict=True
        ):
            # The part that lacks most gets the group; the last groups go to parts still empty.
            open_to = empty if left <= empty.sum() else np.ones(len(PARTS), bool)
            part = int(np.argmax(np.where(open_to, wanted, -np.inf)))
            part_of[group] = part
            wanted[part] -= sizes[group]
            empty[part] = False
        parts = part_of[membership]
        return Split(*(_positions(np.flatnonzero(parts == part)) for part in range(len(PARTS))))

    return split


def by_time(
    *,
    train: float = 0.6,
    validation: float = 0.2,
    test: float = 0.2,
    span: float = 1.0,
    gap: int = 0,
) -> Splitter:
    """Train on the past, validate on what follows it, test on what follows that.

    The data set's `groups` are the times (examples of one time stay together); without groups the
    examples are in the order of time, one a time.

    Args:
        train, validation, test: fractions of the times; they add up to 1.
        span: the fraction of all times that one split covers. Below 1, each split is a window whose
            start is drawn, so that repetitions test on different periods; the rest is left out.
        gap: times left out before validation and before test. Where an example looks back over a
            window, a gap as long as the window keeps every moment out of all parts but one.

    Returns:
        A splitter. It raises `UserError` when there are too few times for three parts.
    """
    shares = _checked(train, validation, test)
    if not 0 < span <= 1:
        raise UserError("0 < span <= 1 must hold", value=span)
    if gap < 0:
        raise UserError("gap >= 0 must hold", value=gap)

    def split(dataset: Dataset, rng: np.random.Generator) -> Split:
        when = np.arange(len(dataset)) if dataset.groups is None else _groups(dataset)
        times, moment = np.unique(when, return_inverse=True)
        covered = round(span * len(times))
        sizes = apportion(max(0, covered - 2 * gap), shares)
        if min(sizes) == 0:
            raise UserError("a split by time has too few times for three parts", value=covered)
        start = int(rng.integers(len(times) - covered + 1))
        ends = start + np.cumsum(np.add(sizes, [0, gap, gap]))
        return Split(
            *(
                _positions(np.flatnonzero((moment >= end - size) & (moment < end)))
                for size, end in zip(sizes, ends, strict=True)
            )
        )

    return split


def apportion(count: int, shares: Shares) -> tuple[int, int, int]:
    """Share out `count` things as whole numbers, by largest remainders; ties go to the first part.

    Source: Hamilton's method of apportionment.
    """
    # Rounded, because 0.6 + 0.2 and the like are not exact: 0.2 * 5 must not lose its one example.
    exact = [round(share * count, 9) for share in shares]
    sizes = [int(size) for size in exact]
    remainders = sorted(range(len(shares)), key=lambda part: sizes[part] - exact[part])
    for part in remainders[: count - sum(sizes)]:
        sizes[part] += 1
    return sizes[0], sizes[1], sizes[2]


def _checked(train: float, validation: float, test: float) -> Shares:
    shares = (train, validation, test)
    if min(shares) <= 0 or abs(sum(shares) - 1) > 1e-9:
        raise UserError("the fractions of a split must be above 0 and add up to 1", value=shares)
    return shares


def _vector(array: NDArray[Any], name: str) -> NDArray[Any]:
    if array.ndim != 1:
        raise UserError(f"'{name}' must have one class per example", value=array.shape)
    return array


def _groups(dataset: Dataset) -> NDArray[Any]:
    if dataset.groups is None:
        raise UserError("a split by group needs a data set with groups")
    return dataset.groups


def _positions(index: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    return np.sort(index).astype(np.int64)
