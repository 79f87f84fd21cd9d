"""Pets with their outlines: the Oxford-IIIT Pet data set, scaled to the tiles of `segmentation`.

Source: Parkhi, Vedaldi, Zisserman and Jawahar 2012, Cats and Dogs.
"""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from experiments.data.segmentation import TILE, opened, tiles_with_masks
from experiments.data.sources import download
from service.contracts import Dataset

NAME = "the Oxford-IIIT Pet data set"
ADDRESS = "https://www.robots.ox.ac.uk/~vgg/data/pets/data/"
IMAGES_MD5 = "5c4f3ee8e5d25df40f4fd59a7f44e54c"
ANNOTATIONS_MD5 = "95a8c909bbe2e81eed6a22bccdf3f68f"

PET = 1
"""What a trimap has where the pet is; 2 is background, 3 the unclassified rim between them."""


def pets_online(path: Path | None = None) -> Dataset:
    """7,390 photographs of cats and dogs, 800 MB, with masks of the pet; the rim is background.

    The archives are read as they are, and never unpacked. Every photograph is a group of its own.

    Raises:
        UserError: a download failed or is not the file that it was, or a file in it is no image.
    """
    images, annotations = (
        download(f"{ADDRESS}{part}.tar.gz", NAME, f"md5:{md5}", called=f"oxford-pets-{part}.tar.gz")
        for part, md5 in (("images", IMAGES_MD5), ("annotations", ANNOTATIONS_MD5))
    )
    photographs = dict(_members(images, "images", ".jpg", lambda file: opened(file, "RGB", TILE)))
    trimaps = dict(_members(annotations, "trimaps", ".png", lambda file: opened(file, "L", TILE)))
    both = sorted(photographs.keys() & trimaps.keys())
    return tiles_with_masks(
        np.stack([photographs[name] for name in both]),
        np.stack([trimaps[name] for name in both])[..., np.newaxis] == PET,
        np.arange(len(both)),
        {},
    )


def _members(
    archive: Path, folder: str, ending: str, read: Callable[[IO[bytes]], NDArray[Any]]
) -> Iterator[tuple[str, NDArray[Any]]]:
    """By its name without the ending, each such file in that folder; no hidden ones."""
    with tarfile.open(archive, "r:gz") as members:
        for member in members:
            name = PurePosixPath(member.name)
            shown = not name.name.startswith(".")
            if member.isfile() and name.parent.name == folder and name.suffix == ending and shown:
                content = members.extractfile(member)
                assert content is not None  # it is a file
                yield name.stem, read(BytesIO(content.read()))
