"""MultiMNIST: what is in an image, and that no digit of a test image was ever trained on."""

from __future__ import annotations

import numpy as np
import pytest

from experiments.data.images import mnist_packaged
from experiments.data.multimnist import POOL, multimnist, multimnist_packaged
from experiments.data.splits import by_group
from service.contracts import Dataset, Examples


@pytest.fixture
def marked() -> Dataset:
    """200 "digits" that can be told apart: each fills its 28 x 28 pixels with a level of its own."""
    levels = (np.arange(200, dtype=np.float32) + 1) / 256
    images = np.broadcast_to(levels[:, None, None, None], (200, 28, 28, 1))
    return Dataset(Examples({"image": images}, {"digit": np.arange(200, dtype=np.int32) % 10}))


def sources(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which digit is in the upper left corner, and which in the lower right."""
    return tuple(np.rint(images[:, at, at, 0] * 256).astype(int) - 1 for at in (0, -1))


def test_every_digit_is_once_on_the_left_and_once_on_the_right_of_another(marked: Dataset) -> None:
    dataset = multimnist(marked)
    left, right = sources(dataset.examples.inputs["image"])
    assert np.array_equal(np.sort(left), np.arange(200))
    assert np.array_equal(np.sort(right), np.arange(200))
    assert (left != right).all()
    assert np.array_equal(dataset.examples.targets["left"], left % 10)
    assert np.array_equal(dataset.examples.targets["right"], right % 10)


def test_the_brighter_digit_shows_where_two_overlap(marked: Dataset) -> None:
    images = multimnist(marked).examples.inputs["image"][..., 0]
    left, right = sources(images[..., np.newaxis])
    assert np.array_equal(np.rint(images[:, 18, 18] * 256), np.maximum(left, right) + 1)
    assert (images[:, 0, -1] == 0).all(), "two corners stay empty"
    assert (images[:, -1, 0] == 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_no_digit_is_in_two_parts_of_a_split(marked: Dataset, seed: int) -> None:
    dataset = multimnist(marked)
    split = by_group(train=0.5, validation=0.25, test=0.25)(dataset, np.random.default_rng(seed))
    left, right = sources(dataset.examples.inputs["image"])
    seen = [{*left[part], *right[part]} for part in (split.train, split.validation, split.test)]
    assert sum(map(len, seen)) == len(seen[0] | seen[1] | seen[2]) == 200


def test_pools_are_balanced_and_one_digit_tells_nothing_of_the_other() -> None:
    dataset = multimnist_packaged()
    left, right = dataset.examples.targets["left"], dataset.examples.targets["right"]
    assert dataset.examples.inputs["image"].shape == (5_000, 36, 36, 1)
    assert dataset.groups is not None
    pools, sizes = np.unique(dataset.groups, return_counts=True)
    assert set(sizes) == {POOL}
    for pool in pools:
        for targets in (left, right):
            assert np.array_equal(np.bincount(targets[dataset.groups == pool]), np.full(10, 5))
    together = np.zeros((10, 10))
    np.add.at(together, (left, right), 1)
    # 50 expected in each cell; on the diagonal a ninth less, as no digit meets itself.
    assert together.min() > 20
    assert together.max() < 90


def test_uneven_classes_are_dealt_out_too() -> None:
    mnist = mnist_packaged().examples.take(np.arange(0, 1_237))
    dataset = multimnist(Dataset(mnist))
    assert len(dataset) == 1_237
    assert dataset.groups is not None
    assert np.ptp(np.bincount(dataset.groups)) <= 1
    assert multimnist(Dataset(mnist)).fingerprint == dataset.fingerprint
