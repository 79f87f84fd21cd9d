"""Fashion-MNIST from its three sources, as it is, with noise and in CIFAR-10's shape."""

from __future__ import annotations

import gzip
import importlib
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.data import fashion
from service.contracts import Dataset, UserError

Load = Callable[[Path | None], Dataset]
PACKAGED = {
    "plain": fashion.fashion_packaged,
    "noisy": fashion.noisy_packaged,
    "as cifar": fashion.fashion_as_cifar,
}
FOLDER = {
    "plain": fashion.fashion_folder,
    "noisy": fashion.noisy_folder,
    "as cifar": fashion.fashion_folder_as_cifar,
}


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def small(tmp_path: Path) -> tuple[Path, np.ndarray, np.ndarray]:
    """A folder with 30 and 10 images in Fashion-MNIST's format, and all of them as arrays."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (40, 28, 28), dtype=np.uint8)
    labels = (np.arange(40) % 10).astype(np.uint8)
    for part, chosen in (("train", slice(30)), ("t10k", slice(30, 40))):
        for kind, array in (("images", pixels[chosen]), ("labels", labels[chosen])):
            file = tmp_path / f"{part}-{kind}-idx{array.ndim}-ubyte.gz"
            file.write_bytes(gzip.compress(idx(array)))
    return tmp_path, pixels, labels


def test_packaged_garments_are_500_of_each_class_and_none_twice() -> None:
    dataset = fashion.fashion_packaged()
    pixels, garments = dataset.examples.inputs["image"], dataset.examples.targets["garment"]
    assert pixels.shape == (5_000, 28, 28, 1)
    assert np.array_equal(np.bincount(garments), np.full(10, 500))
    assert (pixels.min(), pixels.max()) == (0.0, 1.0)
    assert len(np.unique(pixels.reshape(5_000, -1), axis=0)) == 5_000, "a copy could cross a split"
    # Upright, and the classes are those of GARMENTS: trousers are tall, sneakers low and wide.
    trousers, sneakers = (
        pixels[garments == fashion.GARMENTS.index(name)].mean(axis=0)[..., 0]
        for name in ("Trouser", "Sneaker")
    )
    assert (trousers.mean(axis=1) > 0.1).sum() > 24 > 16 > (sneakers.mean(axis=1) > 0.1).sum()
    assert (sneakers.mean(axis=0) > 0.1).sum() > 20 > 16 > (trousers.mean(axis=0) > 0.1).sum()


def test_noise_is_normal_independent_and_the_same_in_every_process() -> None:
    dataset = fashion.noisy_packaged()
    noisy, clean = dataset.examples.inputs["noisy"], dataset.examples.targets["clean"]
    assert np.array_equal(clean, fashion.fashion_packaged().examples.inputs["image"])
    noisy, clean = noisy[::5], clean[::5]
    noise = noisy.astype(np.float64) - clean
    assert abs(noise.mean()) < 0.002
    assert noise.std() == pytest.approx(fashion.NOISE, rel=0.01)
    assert np.mean(np.abs(noise) < fashion.NOISE) == pytest.approx(0.683, abs=0.005)
    for other in (np.roll(noise, 1, axis=0), np.roll(noise, 1, axis=2), clean):
        assert abs(np.corrcoef(noise.ravel(), other.ravel())[0, 1]) < 0.01


def test_garments_in_cifars_shape_are_the_garments_in_a_black_frame() -> None:
    framed = fashion.fashion_as_cifar().examples.inputs["image"]
    plain = fashion.fashion_packaged().examples.inputs["image"]
    assert framed.shape == (5_000, 32, 32, 3)
    for channel in range(3):
        assert np.array_equal(framed[:, 2:-2, 2:-2, channel], plain[..., 0])
    assert framed.sum(dtype=np.float64) == pytest.approx(3 * plain.sum(dtype=np.float64))


@pytest.mark.parametrize("load", PACKAGED.values(), ids=PACKAGED.keys())
def test_a_missing_package_is_named(
    load: Load, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(fashion, "DEBIAN_FOLDER", tmp_path / "none")
    with pytest.raises(UserError) as error:
        load(None)
    assert str(error.value) == (
        "this data set needs the Debian package dataset-fashion-mnist; "
        "apt-get install dataset-fashion-mnist, or set data.source: online"
    )
    assert error.value.exit_code == 2


@pytest.mark.parametrize("load", FOLDER.values(), ids=FOLDER.keys())
def test_a_missing_path_names_the_config_key(load: Load) -> None:
    with pytest.raises(UserError, match=r"^data\.path: must name an existing folder .*Fashion"):
        load(None)


def test_a_folder_holds_the_training_file_first(small: Any) -> None:
    folder, pixels, labels = small
    dataset = fashion.fashion_folder(folder)
    assert np.allclose(dataset.examples.inputs["image"][..., 0], pixels / 255, atol=1e-7)
    assert np.array_equal(dataset.examples.targets["garment"], labels)
    assert fashion.fashion_folder_as_cifar(folder).examples.inputs["image"].shape[1:] == (32, 32, 3)
    assert len(fashion.noisy_folder(folder)) == 40


def test_online_equals_the_same_files_in_a_folder(
    small: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras.src.datasets.fashion_mnist

    folder, _, _ = small
    monkeypatch.setattr(
        keras.src.datasets.fashion_mnist, "get_file", lambda name, **_: str(folder / name)
    )
    assert fashion.fashion_online().fingerprint == fashion.fashion_folder(folder).fingerprint
    assert fashion.noisy_online().fingerprint == fashion.noisy_folder(folder).fingerprint


@pytest.mark.parametrize(
    ("load", "module", "name"),
    [
        (fashion.fashion_online, "fashion_mnist", "Fashion-MNIST"),
        (fashion.cifar_online, "cifar10", "CIFAR-10"),
    ],
)
def test_online_without_a_network(
    load: Load, module: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> str:
        raise Exception("URL fetch failure on somewhere: None --\n no route to host")

    reader = importlib.import_module(f"keras.src.datasets.{module}")
    monkeypatch.setattr(reader, "get_file", refuse)
    with pytest.raises(UserError, match=f"^the download of {name} failed .*no route") as error:
        load(None)
    assert "\n" not in str(error.value)


def test_cifar_has_colour_and_labels_in_a_column(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Keras gives it; its own reader wants all 60,000 photographs."""
    import keras

    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    labels = (np.arange(40, dtype=np.uint8) % 10)[:, np.newaxis]
    parts = (images[:30], labels[:30]), (images[30:], labels[30:])
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", lambda: parts)
    dataset = fashion.cifar_online()
    assert np.allclose(dataset.examples.inputs["image"], images / 255, atol=1e-7)
    assert np.array_equal(dataset.examples.targets["object"], labels[:, 0])
    shapes = fashion.fashion_as_cifar().examples
    for name, array in dataset.examples.inputs.items():
        assert (shapes.inputs[name].shape[1:], shapes.inputs[name].dtype) == (
            array.shape[1:],
            array.dtype,
        )
    assert set(dataset.examples.targets) == set(shapes.targets)
