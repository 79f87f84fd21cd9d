"""Loaders of online sources, on small files of the same format; nothing here has a network."""

from __future__ import annotations

import hashlib
import importlib
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from experiments.data import pets, tabular, text
from experiments.pairs import regression
from service.contracts import Dataset, SourceKind, UserError

SENTENCES = (
    "Go on.\tContinue.\tCC-BY 2.0 #1\nGo on.\tPoursuis.\tCC-BY 2.0 #2\nI see it.\tJe le vois.\tCC\n"
)
LONG = "This beginning is long.\tCe commencement est long.\tCC-BY 2.0 #3\n"

Fetched = dict[str, Path]


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fetched:
    """What Keras would fetch, by the name in its cache."""
    import keras

    files: Fetched = {}
    monkeypatch.setattr(keras.utils, "get_file", lambda called, origin: str(files[called]))
    return files


def digest(file: Path, algorithm: str) -> str:
    return hashlib.new(algorithm, file.read_bytes()).hexdigest()


@pytest.fixture
def anki(fetched: Fetched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The archive that Anki's sentences come in, with four of them."""
    file = fetched["anki-fra-eng.zip"] = tmp_path / "anki.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("fra-eng/_about.txt", "terms")
        archive.writestr("fra-eng/fra.txt", SENTENCES + LONG)
    monkeypatch.setattr(text, "ANKI_SHA1", digest(file, "sha1"))
    return file


def packed(file: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(file, "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file


def image(pixels: Any, kind: str) -> bytes:
    content = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(content, kind)
    return content.getvalue()


@pytest.fixture
def pet_archives(fetched: Fetched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three photographs, one of them without a trimap, and what else the archives hold."""
    trimap = np.full((64, 64), 2)
    trimap[:32] = 1
    trimap[32:34] = 3
    photographs = {
        f"images/{name}.jpg": image(np.full((64, 64, 3), value), "JPEG")
        for name, value in {"Birman_1": 255, "beagle_2": 0, "pug_3": 9}.items()
    }
    masks = {
        f"annotations/trimaps/{name}.png": image(trimap, "PNG") for name in ("beagle_2", "Birman_1")
    }
    for part, members, constant in (
        ("images", photographs | {"images/Birman_1.mat": b"?"}, "IMAGES_MD5"),
        ("annotations", masks | {"annotations/trimaps/._Birman_1.png": b"?",
                                 "annotations/xmls/Birman_1.xml": b"<a/>"}, "ANNOTATIONS_MD5"),
    ):  # fmt: skip
        file = packed(tmp_path / f"{part}.tar.gz", members)
        fetched[f"oxford-pets-{part}.tar.gz"] = file
        monkeypatch.setattr(pets, constant, digest(file, "md5"))


def test_sentences_online_equal_the_same_lines_in_a_file(anki: Path, tmp_path: Path) -> None:
    file = tmp_path / "fra.txt"
    file.write_text(SENTENCES + LONG, encoding="utf-8")
    online, own = text.translation_online(), text.translation_file(file)
    assert len(online) == 3
    assert online.fingerprint == own.fingerprint
    assert text.languages_online().fingerprint == text.languages_file(file).fingerprint


def test_pets_are_photographs_that_have_a_trimap(pet_archives: None) -> None:
    dataset = pets.pets_online()
    tiles, masks = dataset.examples.inputs["image"], dataset.examples.targets["land"]
    assert tiles.shape == (2, 32, 32, 3)
    assert tiles[0].min() > 0.95 > 0.05 > tiles[1].max()
    assert masks[:, :16].all()
    assert not masks[:, 16:].any()
    assert dataset.groups is not None
    assert len(np.unique(dataset.groups)) == 2


def test_california_has_the_shape_of_diabetes(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Keras gives it; its own reader wants the file that it knows the hash of."""
    import keras

    table = np.arange(40.0).reshape(5, 8)
    value = np.array([25_000.0, 50_000.0, 75_000.0, 100_000.0, 500_000.0])
    given: dict[str, Any] = {}

    def load_data(**settings: Any) -> Any:
        given.update(settings)
        return (table[:4], value[:4]), (table[4:], value[4:])

    monkeypatch.setattr(keras.datasets.california_housing, "load_data", load_data)
    dataset = tabular.california_online()
    assert given["version"] == "large"
    features = dataset.examples.inputs["features"]
    assert features.shape == (5, regression.FEATURES)
    assert np.array_equal(features[:, :8], table)
    assert not features[:, 8:].any()
    assert dataset.examples.targets["progression"].ravel().tolist() == [25, 50, 75, 100, 500]
    # Empty columns stay finite when they are standardised.
    assert regression.PAIR.prepare is not None
    assert np.isfinite(
        regression.PAIR.prepare(dataset.examples)(dataset.examples).inputs["features"]
    ).all()


@pytest.mark.parametrize(
    ("load", "name"),
    [
        (text.translation_online, "Anki's sentences"),
        (text.languages_online, "Anki's sentences"),
        (pets.pets_online, "the Oxford-IIIT Pet data set"),
    ],
)
def test_without_a_network_one_line_says_what_needs_none(
    load: Callable[[], Dataset], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    def refuse(*_: Any) -> str:
        raise Exception("URL fetch failure on somewhere: None --\n no route to host")

    monkeypatch.setattr(keras.utils, "get_file", refuse)
    with pytest.raises(UserError, match=f"^the download of {name} failed .*no route") as error:
        load()
    assert "\n" not in str(error.value)
    assert "'data.source: packaged' needs no network" in str(error.value)


def test_another_file_than_expected_is_refused(anki: Path) -> None:
    anki.write_bytes(anki.read_bytes() + b"?")
    with pytest.raises(UserError, match=r"must have the sha1 .*delete the file") as error:
        text.translation_online()
    assert str(anki) in str(error.value)


@pytest.mark.parametrize("chosen", ["attention", "regression", "translation", "unet"])
def test_the_pairs_offer_them(chosen: str) -> None:
    pair = importlib.import_module(f"experiments.pairs.{chosen}").PAIR
    assert SourceKind.ONLINE in [source.kind for source in pair.sources]
