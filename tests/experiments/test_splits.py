"""Splits: disjoint, complete, never empty, and never through a class, a group or a moment."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from experiments.data.splits import apportion, by_group, by_time, shuffled, stratified
from service.contracts import Dataset, Examples, Split, UserError

SHARES = [(0.6, 0.2, 0.2), (0.5, 0.25, 0.25), (0.8, 0.1, 0.1), (0.34, 0.33, 0.33)]


def data(
    count: int, labels: NDArray[np.int32] | None = None, groups: NDArray[np.int64] | None = None
) -> Dataset:
    inputs = {"x": np.arange(count, dtype=np.float32)}
    targets = {"y": np.zeros(count, np.int32) if labels is None else labels}
    return Dataset(Examples(inputs, targets), groups=groups)


def parts(split: Split) -> list[NDArray[np.int64]]:
    return [split.train, split.validation, split.test]


def assert_parts(split: Split, expected: NDArray[np.int64]) -> None:
    """Together they are the expected positions, each once; none is empty; each is in order."""
    assert np.array_equal(np.sort(np.concatenate(parts(split))), expected)
    for part in parts(split):
        assert len(part) > 0
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()


@given(st.integers(0, 10_000), st.sampled_from(SHARES))
def test_apportion_gives_whole_numbers_nearest_to_the_shares(
    count: int, shares: tuple[float, float, float]
) -> None:
    sizes = apportion(count, shares)
    assert sum(sizes) == count
    assert all(abs(size - share * count) < 1 for size, share in zip(sizes, shares, strict=True))


def test_apportion_is_not_fooled_by_floating_point() -> None:
    assert apportion(50, (0.6, 0.2, 0.2)) == (30, 10, 10)
    assert apportion(5, (0.6, 0.2, 0.2)) == (3, 1, 1)
    assert apportion(10, (0.7, 0.2, 0.1)) == (7, 2, 1)  # 0.7 * 10 is 7.000000000000001


@given(st.integers(5, 300), st.sampled_from(SHARES[:2]), st.integers(0, 2**32))
def test_shuffled(count: int, shares: tuple[float, float, float], seed: int) -> None:
    train, validation, test = shares
    splitter = shuffled(train=train, validation=validation, test=test)
    split = splitter(data(count), np.random.default_rng(seed))
    assert_parts(split, np.arange(count))
    assert tuple(map(len, parts(split))) == apportion(count, shares)


@given(
    st.lists(st.integers(5, 40), min_size=1, max_size=6),
    st.integers(0, 2**32),
    st.sampled_from(SHARES[:2]),
)
def test_stratified(sizes: list[int], seed: int, shares: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes)).astype(np.int32)
    train, validation, test = shares
    split = stratified("y", train=train, validation=validation, test=test)(
        data(len(labels), labels), rng
    )
    assert_parts(split, np.arange(len(labels)))
    for label, size in enumerate(sizes):
        found = tuple(int((labels[part] == label).sum()) for part in parts(split))
        assert found == apportion(size, shares)


def test_every_example_comes_into_every_part_in_time() -> None:
    labels = np.repeat(np.arange(2), 10).astype(np.int32)
    draws = [stratified("y")(data(20, labels), np.random.default_rng(seed)) for seed in range(200)]
    for part in ("train", "validation", "test"):
        often = np.bincount(np.concatenate([getattr(draw, part) for draw in draws]), minlength=20)
        assert often.min() > 0.5 * often.mean()


def test_a_class_too_small_is_named() -> None:
    labels = np.array([0] * 10 + [7] * 2, np.int32)
    with pytest.raises(UserError, match=r"class 7 of target 'y' .* but got 2"):
        stratified("y")(data(12, labels), np.random.default_rng(0))


def test_targets_that_are_no_classes_are_refused() -> None:
    labels = np.zeros((12, 1), np.int32)
    with pytest.raises(UserError, match="one class per example"):
        stratified("y")(data(12, labels), np.random.default_rng(0))


group_sizes = st.lists(st.integers(1, 30), min_size=3, max_size=25)


@given(group_sizes, st.integers(0, 2**32), st.sampled_from(SHARES))
def test_by_group(sizes: list[int], seed: int, shares: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.repeat(np.arange(len(sizes)) * 17, sizes))
    train, validation, test = shares
    split = by_group(train=train, validation=validation, test=test)(
        data(len(groups), groups=groups), rng
    )
    assert_parts(split, np.arange(len(groups)))
    seen = [set(groups[part].tolist()) for part in parts(split)]
    assert len(seen[0] | seen[1] | seen[2]) == sum(map(len, seen)), "no group in two parts"
    for part, share in zip(parts(split), shares, strict=True):
        assert len(part) < share * len(groups) + max(sizes)


def test_by_group_of_equal_groups_meets_the_fractions() -> None:
    groups = np.repeat(np.arange(40), 10)
    split = by_group()(data(400, groups=groups), np.random.default_rng(4))
    assert [len(part) for part in parts(split)] == [240, 80, 80]
    other = by_group()(data(400, groups=groups), np.random.default_rng(5))
    assert not np.array_equal(split.test, other.test)


def test_by_group_takes_names() -> None:
    groups = np.array(["anna", "bert", "carl", "anna", "dora"])
    split = by_group()(data(5, groups=groups), np.random.default_rng(0))
    assert_parts(split, np.arange(5))


def test_by_group_needs_groups_and_enough_of_them() -> None:
    with pytest.raises(UserError, match="a data set with groups"):
        by_group()(data(9), np.random.default_rng(0))
    with pytest.raises(UserError, match=r"at least one group each .* but got 2"):
        by_group()(data(9, groups=np.arange(9) % 2), np.random.default_rng(0))


@given(
    st.integers(5, 200),
    st.integers(1, 4),
    st.integers(0, 2**32),
    st.sampled_from(SHARES[:2]),
    st.floats(0.3, 1.0),
)
def test_by_time(
    moments: int, each: int, seed: int, shares: tuple[float, float, float], span: float
) -> None:
    rng = np.random.default_rng(seed)
    times = rng.permutation(np.repeat(np.arange(moments) * 3 + 100, each))
    train, validation, test = shares
    splitter = by_time(train=train, validation=validation, test=test, span=span)
    dataset = data(len(times), groups=times)
    covered = round(span * moments)
    if min(apportion(covered, shares)) == 0:
        with pytest.raises(UserError, match="too few times"):
            splitter(dataset, rng)
        return
    split = splitter(dataset, rng)
    first, last = times[split.train].min(), times[split.test].max()
    inside = np.flatnonzero((times >= first) & (times <= last))
    assert_parts(split, inside)
    assert len(inside) == covered * each
    assert times[split.train].max() < times[split.validation].min()
    assert times[split.validation].max() < times[split.test].min()


def test_by_time_without_groups_follows_the_order_of_the_examples() -> None:
    split = by_time()(data(10), np.random.default_rng(0))
    assert [part.tolist() for part in parts(split)] == [[0, 1, 2, 3, 4, 5], [6, 7], [8, 9]]


def test_by_time_with_a_span_tests_on_different_periods() -> None:
    starts = {
        int(by_time(span=0.5)(data(100), np.random.default_rng(seed)).test[0]) for seed in range(30)
    }
    assert len(starts) > 15
    assert min(starts) >= 40
    assert max(starts) <= 90


@pytest.mark.parametrize("make", [shuffled, by_group, by_time])
def test_fractions_must_add_up(make: type) -> None:
    with pytest.raises(UserError, match="add up to 1"):
        make(train=0.6, validation=0.2, test=0.1)
    with pytest.raises(UserError, match="above 0"):
        make(train=1.2, validation=-0.4, test=0.2)
    with pytest.raises(UserError, match="add up to 1"):
        stratified("y", train=0.5, validation=0.2, test=0.2)


@pytest.mark.parametrize("span", [0.0, 1.1, -1.0])
def test_span_is_a_fraction(span: float) -> None:
    with pytest.raises(UserError, match="0 < span <= 1"):
        by_time(span=span)


def test_too_few_examples_are_told() -> None:
    with pytest.raises(UserError, match="too few examples"):
        shuffled()(data(2), np.random.default_rng(0))
