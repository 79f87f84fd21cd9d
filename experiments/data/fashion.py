"""Fashion-MNIST: garments in the format of MNIST, as they are, with noise, or sized as CIFAR-10's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.data.images import SIDE, idx_folder, idx_part
from experiments.data.sources import keras_dataset
from service.contracts import Dataset, Examples, UserError

GARMENTS = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
LICENCE = "MIT; Zalando SE, Xiao, Rasul and Vollgraf 2017"

DEBIAN_FOLDER = Path("/usr/share/datasets/fashion-mnist")
"""Where Debian's package dataset-fashion-mnist puts the four IDX files."""

PER_CLASS = 500
"""Garments of each class in the packaged source; all 70,000 come with the other two."""

NOISE = 0.3
"""Standard deviation of the noise, where pixels go from 0 to 1."""

CIFAR_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
CIFAR_SIDE = 32
"""Height and width of a CIFAR-10 image, in pixels."""


def fashion_packaged(path: Path | None = None) -> Dataset:
    """5,000 garments, the first 500 of each class in Fashion-MNIST's test file.

    The file comes with Debian's package dataset-fashion-mnist. No image of it is there twice.

    Raises:
        UserError: the package is not installed.
    """
    return _garments(*_packaged())


def fashion_online(path: Path | None = None) -> Dataset:
    """All 70,000 garments through `keras.datasets.fashion_mnist`, which downloads them once.

    Raises:
        UserError: the download failed.
    """
    return _garments(*keras_dataset("fashion_mnist", "Fashion-MNIST"))


def fashion_folder(path: Path | None) -> Dataset:
    """All 70,000 garments from a folder of IDX files; see `images.idx_folder`."""
    return _garments(*idx_folder(path, "Fashion-MNIST"))


def noisy_packaged(path: Path | None = None) -> Dataset:
    """The packaged garments, each with noise and without."""
    return _noisy(_packaged()[0])


def noisy_online(path: Path | None = None) -> Dataset:
    """All garments through `keras.datasets.fashion_mnist`, each with noise and without."""
    return _noisy(keras_dataset("fashion_mnist", "Fashion-MNIST")[0])


def noisy_folder(path: Path | None) -> Dataset:
    """All garments from a folder of IDX files, each with noise and without."""
    return _noisy(idx_folder(path, "Fashion-MNIST")[0])


def fashion_as_cifar(path: Path | None = None) -> Dataset:
    """The packaged garments in CIFAR-10's shape, so that one model can learn either."""
    return _as_cifar(*_packaged())


def fashion_folder_as_cifar(path: Path | None) -> Dataset:
    """All garments from a folder of IDX files, in CIFAR-10's shape."""
    return _as_cifar(*idx_folder(path, "Fashion-MNIST"))


def cifar_online(path: Path | None = None) -> Dataset:
    """All 60,000 photographs of CIFAR-10 through `keras.datasets.cifar10`.

    Raises:
        UserError: the download failed.
    """
    images, labels = keras_dataset("cifar10", "CIFAR-10")
    return _classes(images, labels, "object", "colour", CIFAR_CLASSES)


def _packaged() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    if not DEBIAN_FOLDER.is_dir():
        raise UserError(
            "this data set needs the Debian package dataset-fashion-mnist",
            hint="apt-get install dataset-fashion-mnist, or set data.source: online",
        )
    images, labels = idx_part(DEBIAN_FOLDER, "t10k")
    first = [np.flatnonzero(labels == garment)[:PER_CLASS] for garment in range(len(GARMENTS))]
    chosen = np.sort(np.concatenate(first))
    return images[chosen], labels[chosen]


def _garments(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Dataset:
    return _classes(images[..., np.newaxis], labels, "garment", "grey", GARMENTS)


def _as_cifar(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Dataset:
    """A black margin of two pixels brings 28 x 28 to 32 x 32, and grey is three equal channels."""
    margin = (CIFAR_SIDE - SIDE) // 2
    framed = np.pad(images, ((0, 0), (margin, margin), (margin, margin)))
    coloured = np.repeat(framed[..., np.newaxis], 3, axis=-1)
    colour = "grey, framed and tripled to the shape of colour"
    return _classes(coloured, labels, "object", colour, GARMENTS)


def _classes(
    images: NDArray[Any], labels: NDArray[Any], target: str, colour: str, names: tuple[str, ...]
) -> Dataset:
    """Pixels from 0 to 1: a fixed scale, so it needs no fitting."""
    counts = np.bincount(labels, minlength=10)
    height, width = images.shape[1:3]
    return Dataset(
        Examples(
            inputs={"image": images.astype(np.float32) / np.float32(255)},
            targets={target: labels.astype(np.int32)},
            names={target: names},
        ),
        facts={
            "examples": f"{len(labels):,} images of {height} x {width} pixels, {colour}",
            "classes": f"10, {counts.min():,} to {counts.max():,} images each",
        },
    )


def _noisy(images: NDArray[np.uint8]) -> Dataset:
    """Gaussian noise, drawn once: it belongs to the data, and every model sees the same.

    It is rounded to whole grey levels, so that no platform's last digit changes the fingerprint.
    """
    clean = images[..., np.newaxis]
    draw = np.random.default_rng(0).standard_normal(clean.shape, dtype=np.float32)
    levels = clean + np.rint(draw * np.float32(255 * NOISE))
    return Dataset(
        Examples(
            inputs={"noisy": levels.astype(np.float32) / np.float32(255)},
            targets={"clean": clean.astype(np.float32) / np.float32(255)},
        ),
        facts={
            "examples": f"{len(clean):,} grey images of {SIDE} x {SIDE} pixels, from 0 to 1",
            "noise": f"normal, standard deviation {NOISE:g}, another draw for every pixel",
        },
    )
