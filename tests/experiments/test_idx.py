"""The IDX reader on files made here, whole and corrupted in every way a file can be."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from experiments.data.idx import read_idx
from service.contracts import UserError

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


def idx(array: np.ndarray) -> bytes:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "images"


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("array", [IMAGES, np.array([3, 1, 4], np.uint8), IMAGES[:0]])
def test_reads_back_what_was_written(file: Path, pack: type, array: np.ndarray) -> None:
    file.write_bytes(pack(idx(array)))
    read = read_idx(file, array.ndim)
    assert read.dtype == np.uint8
    assert read.shape == array.shape
    assert np.array_equal(read, array)


WHOLE = idx(IMAGES)
CORRUPTED = {
    "empty": (b"", "begins with 00 00 08 03, but got ''"),
    "labels instead": (
        idx(np.zeros(4, np.uint8)),
        "begins with 00 00 08 03, but got '00 00 08 01'",
    ),
    "floats": (WHOLE[:2] + b"\x0d" + WHOLE[3:], "but got '00 00 0d 03'"),
    "not zero": (b"\x01" + WHOLE[1:], "but got '01 00 08 03'"),
    "text": (b"<html>404</html>", "begins with"),
    "half a header": (WHOLE[:9], "sizes of its dimensions"),
    "too short": (WHOLE[:-1], r"24 bytes of data \(2 x 3 x 4\), but got 23"),
    "too long": (WHOLE + b"\0", r"24 bytes of data \(2 x 3 x 4\), but got 25"),
    "huge": (WHOLE[:4] + b"\xff" * 12, "bytes of data"),
    "half a gzip": (gzip.compress(WHOLE)[:-9], "must be readable"),
    "spoilt gzip": (gzip.compress(WHOLE)[:-8] + b"\0" * 8, "must be readable: CRC"),
    "gzip of nothing": (b"\x1f\x8b\x08\0\0\0\0\0\0\0garbage", "must be readable"),
}


@pytest.mark.parametrize(("content", "message"), CORRUPTED.values(), ids=CORRUPTED.keys())
def test_refuses_in_one_line_that_names_the_file(file: Path, content: bytes, message: str) -> None:
    file.write_bytes(content)
    with pytest.raises(UserError, match=message) as raised:
        read_idx(file, 3)
    assert str(raised.value).startswith(str(file))
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there(file: Path) -> None:
    with pytest.raises(UserError, match=r"must be readable: .*No such file"):
        read_idx(file, 3)
