"""What a file that travels with a submission may be called, and how much of it there may be."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from service.contracts.errors import UserError

MAX_FILES = 1000
MAX_PATH = 200
MAX_DEPTH = 8
CONFIG = "config.yaml"
"""The name that the submitted config has where a driver unpacks it."""

_PART = re.compile(r"[\w(][\w.+=@() -]*")
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def check_path(path: str) -> str:
    """Refuse a name that could leave its folder, hide in it, or mean two files on some system.

    Args:
        path: a relative path with slashes, such as "data/train.csv".

    Returns:
        The same path.

    Raises:
        UserError: with the rule that it breaks.
    """
    if len(path) > MAX_PATH:
        raise _error(f"must be at most {MAX_PATH} characters", path[:40] + "...")
    if unicodedata.normalize("NFC", path) != path:
        raise _error("must be in Unicode's composed form (NFC)", path)
    parts = path.split("/")
    if len(parts) > MAX_DEPTH:
        raise _error(f"must be at most {MAX_DEPTH} folders deep", path)
    for part in parts:
        if not _PART.fullmatch(part) or part[-1] in ". " or _RESERVED.fullmatch(part):
            raise _error(
                "must be a relative path of plain names: letters, digits, _ . + = @ ( ) - and "
                "spaces inside, none that begins with a dot",
                path,
            )
    return path


def check_paths(paths: Iterable[str]) -> None:
    """Refuse names that cannot lie in one folder together, on any file system.

    Raises:
        UserError: one breaks a rule of `check_path`, two are alike but for their case, one is a
            folder of another, or one has the config's name.
    """
    known: dict[str, str] = {}
    folders: dict[str, str] = {}
    for place, path in enumerate(paths):
        if place == MAX_FILES:
            raise UserError(f"must be at most {MAX_FILES:,} files", key="files")
        folded = check_path(path).casefold()
        if folded in known:
            raise _error(f"is '{known[folded]}' where case does not count", path)
        known[folded] = path
        parts = folded.split("/")
        folders |= {"/".join(parts[:depth]): path for depth in range(1, len(parts))}
    if CONFIG in known or CONFIG in folders:
        raise _error("is what the config itself is called there; rename the file", CONFIG)
    for folder in known.keys() & folders.keys():
        raise _error(f"is the folder of '{folders[folder]}'", known[folder])


def _error(rule: str, path: str) -> UserError:
    return UserError(rule, key="files", value=path)
