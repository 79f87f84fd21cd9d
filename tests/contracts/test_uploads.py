"""Names of uploaded files: what could leave a folder is refused, whatever it looks like."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.contracts.errors import UserError
from service.contracts.uploads import MAX_FILES, check_path, check_paths


@pytest.mark.parametrize("path", ["pair.py", "data/train.csv", "a b/données (2).csv", "x+y=z@1"])
def test_plain_names_pass(path: str) -> None:
    assert check_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "", ".", "..", "/etc/passwd", "../x", "a/../x", "a//b", "a/", "./x", "a\\b", "C:/x", "c:x",
        ".ssh/key", "a/.hidden", "~/x", "x\0y", "x\ny", "nul", "a/COM1.txt", "x.", "x ", "-rf",
        "a" * 201, "a/" * 8 + "b", "e\u0301", "\u202ex", "a\u2215b", "a*b", "a?b", "$(x)", "`x`",
    ],
)  # fmt: skip
def test_what_could_mean_another_place_is_refused(path: str) -> None:
    with pytest.raises(UserError, match="files: must be"):
        check_path(path)


@pytest.mark.parametrize(
    "paths", [("a.py", "A.py"), ("a", "a/b"), ("A/b", "a"), ("a/b/c", "a/B"), ("Config.yaml",)]
)
def test_names_that_meet_on_some_file_system_are_refused(paths: tuple[str, ...]) -> None:
    with pytest.raises(UserError, match="files: is "):
        check_paths(paths)


def test_there_is_a_most_of_files() -> None:
    check_paths(f"f{n}" for n in range(MAX_FILES))
    with pytest.raises(UserError, match="at most 1,000 files"):
        check_paths(f"f{n}" for n in range(MAX_FILES + 1))


@given(st.text(max_size=40) | st.text("./\\a:~ ", max_size=12))
def test_what_passes_stays_inside_on_posix_and_windows(path: str) -> None:
    try:
        check_path(path)
    except UserError:
        return
    posix, windows = PurePosixPath(path), PureWindowsPath(path)
    assert not posix.is_absolute()
    assert not windows.is_absolute()
    assert not windows.drive
    assert posix.parts == windows.parts
    assert ".." not in posix.parts
    root = Path("/folder")
    assert (root / path).resolve().is_relative_to(root)
