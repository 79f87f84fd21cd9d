"""Reads IDX, the file format that MNIST is published in, and trusts nothing in the file.

The format: two zero bytes, a byte for the type of the elements, a byte for the number of
dimensions, each dimension's size as a big-endian 32-bit integer, then the elements.
Source: http://yann.lecun.com/exdb/mnist/
"""

from __future__ import annotations

import gzip
import struct
import zlib
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.contracts import UserError

_UNSIGNED_BYTE = 0x08
_GZIP_MAGIC = b"\x1f\x8b"


def read_idx(file: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes, compressed with gzip or not, whatever its name.

    Args:
        file: the file.
        dimensions: how many it must have: 1 for labels, 3 for images.

    Returns:
        Its elements, in the shape that it states.

    Raises:
        UserError: the file cannot be read or unpacked, is no IDX file of unsigned bytes with that
            many dimensions, or is longer or shorter than it states.
    """
    content = _content(file)
    start = 4 + 4 * dimensions
    magic = bytes([0, 0, _UNSIGNED_BYTE, dimensions])
    if content[:4] != magic:
        raise UserError(
            f"must be an IDX file of unsigned bytes with {dimensions} dimension(s), "
            f"which begins with {magic.hex(' ')}",
            file=file,
            value=content[:4].hex(" "),
        )
    if len(content) < start:
        raise UserError("must hold the sizes of its dimensions, but ends before", file=file)
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    if len(content) - start != prod(shape):
        sizes = " x ".join(str(size) for size in shape)
        raise UserError(
            f"must hold {prod(shape)} bytes of data ({sizes})",
            file=file,
            value=len(content) - start,
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _content(file: Path) -> bytes:
    try:
        content = file.read_bytes()
        return gzip.decompress(content) if content.startswith(_GZIP_MAGIC) else content
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"must be readable: {error}", file=file) from error
