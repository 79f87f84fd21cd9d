"""What travels with a submission: the config as it is written, the pair files that it names, and its
own data where that is small."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from service.app import planning
from service.catalog.files import split_reference
from service.contracts.errors import UserError
from service.contracts.uploads import MAX_FILES, check_path, check_paths
from service.plan.document import KeyPath, read_text
from service.plan.load import LoadedConfig, parse_config

_FAR = "a relative path travels with the submission; an absolute one names a place on the cluster"


@dataclass(frozen=True)
class Piece:
    """A file that travels.

    Args:
        file: where it lies here.
        sha256: of its bytes, in hexadecimal.
        size: in bytes.
    """

    file: Path
    sha256: str
    size: int


@dataclass(frozen=True)
class Parcel:
    """A submission that has been checked and measured; nothing is sent yet.

    Args:
        experiment: the name in the config.
        config: the config's text, as it is written.
        overrides: the values of `--set`, and those that name files by where they will lie.
        pieces: by their path beside the config.
    """

    experiment: str
    config: str
    overrides: tuple[str, ...]
    pieces: dict[str, Piece]


def pack(
    config: Path, overrides: Sequence[str], pair_files: Sequence[str], most_bytes: int
) -> Parcel:
    """Check a config with its pairs, and gather what travels with it.

    Args:
        config: the YAML file.
        overrides: "key=value" each.
        pair_files: "./file.py:PAIR" each, compared instead of the config's own pairs.
        most_bytes: what all files together may have.

    Raises:
        UserError: the first mistake, in one line; or the files are too many or too large.
    """
    text = read_text(config, str(config))
    if pair_files:
        references = [_from_here(each) for each in pair_files]
        overrides = [*overrides, f"pairs={json.dumps(references)}"]
    loaded = parse_config(text, str(config), overrides)
    files = _Files()
    moved = _pairs(loaded, files)
    moved += _data(loaded, files)
    _check(config, overrides, loaded)
    pieces = _measured(files.found, most_bytes)
    return Parcel(loaded.config.experiment, text, (*overrides, *moved), pieces)


class _Files:
    """Gathers files under the paths that they will have; one path means one file."""

    def __init__(self) -> None:
        self.found: dict[str, Path] = {}

    def place(self, given: str, file: Path) -> str:
        """The path of a file or folder: as it was given where that stays beside the config."""
        normal = os.path.normpath(Path(given).expanduser()).replace(os.sep, "/")
        inside = not normal.startswith(("/", "..", ".")) and ":" not in normal
        return check_path(normal if inside else PurePosixPath(file.name).as_posix())

    def add(self, path: str, file: Path) -> None:
        """Let a file travel.

        Raises:
            UserError: another one travels under this path.
        """
        if self.found.setdefault(path, file) != file:
            rule = f"and '{self.found[path]}' would both travel as '{path}'; rename one"
            raise UserError(rule, file=file)


def _from_here(reference: str) -> str:
    """A reference to a file of the working directory that means the same from any folder."""
    split = split_reference(reference)
    if split is None:
        raise UserError("must be a file such as ./my_pair.py", key="--pair-file", value=reference)
    return f"{Path(split[0]).expanduser().resolve()}:{split[1]}"


def _pairs(loaded: LoadedConfig, files: _Files) -> list[str]:
    """Add the pair files; an override where one will lie elsewhere than the config says."""
    references: list[str] = []
    for place, reference in enumerate(loaded.config.pairs):
        split = split_reference(reference)
        if split is None:
            references.append(reference)
            continue
        name, constant = split
        file = _existing(loaded, ("pairs",), name)
        if file is None or not file.is_file():
            raise loaded.error(("pairs", place), "no such file", name)
        path = files.place(name, file)
        files.add(path, file.resolve())
        same = path == os.path.normpath(name).replace(os.sep, "/")
        references.append(reference if same else f"./{path}:{constant}")
    moved = references != list(loaded.config.pairs)
    return [f"pairs={json.dumps(references)}"] if moved else []


def _data(loaded: LoadedConfig, files: _Files) -> list[str]:
    given = loaded.config.data.path
    if given is None or Path(given).expanduser().is_absolute():
        return []
    place = _existing(loaded, ("data", "path"), given)
    if place is None:
        raise loaded.error(("data", "path"), "no such file or folder", given, _FAR)
    if place.resolve() == loaded.folder:
        raise loaded.error(("data", "path"), "must be a file or a folder of its own", given, _FAR)
    path = files.place(given, place)
    if place.is_file():
        files.add(path, place.resolve())
    else:
        for file in _inside(place):
            relative = check_path(f"{path}/{file.relative_to(place).as_posix()}")
            files.add(relative, file)
    return [] if path == os.path.normpath(given) else [f"data.path={json.dumps(path)}"]


def _existing(loaded: LoadedConfig, key: KeyPath, given: str) -> Path | None:
    """Where a path leads: the config's folder comes first, for `--set` the working directory."""
    folders = [loaded.folder, Path.cwd()]
    if key == ("data", "path") and key in loaded.overridden:
        folders.reverse()
    candidates = (folder / Path(given).expanduser() for folder in folders)
    return next((each for each in candidates if each.exists()), None)


def _inside(folder: Path) -> Iterator[Path]:
    """The files of a folder in a fixed order; hidden ones stay here."""
    count = 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in names if not name.startswith(".")):
            count += 1
            if count > MAX_FILES:
                rule = f"holds more than {MAX_FILES:,} files"
                raise UserError(rule, file=folder, key="data.path", hint=_FAR)
            yield Path(place) / name


def _check(config: Path, overrides: Sequence[str], loaded: LoadedConfig) -> None:
    """Make the plan, so that a mistake is told here; a place on the cluster is not looked for."""
    given = loaded.config.data.path
    far = given is not None and Path(given).expanduser().is_absolute()
    planning.load(config, [*overrides, *(["data.path=."] if far else [])])


def _measured(files: dict[str, Path], most_bytes: int) -> dict[str, Piece]:
    check_paths(files)
    total = sum(file.stat().st_size for file in files.values())
    if total > most_bytes:
        largest = max(files.values(), key=lambda file: file.stat().st_size)
        raise UserError(
            f"what travels with the submission must be at most {most_bytes / 1e6:,.0f} MB together, "
            f"but it is {total / 1e6:,.1f} MB",
            file=largest,
            hint="put large data where the cluster's machines see it and give its absolute path",
        )
    return {path: _piece(file) for path, file in files.items()}


def _piece(file: Path) -> Piece:
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256")
        return Piece(file, digest.hexdigest(), stream.tell())
