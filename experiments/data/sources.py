"""Finds data, and says in one line what to do when it is not there."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from service.contracts import UserError

INSTALL = "pip install 'archduel[data]'"
PATH_KEY = "data.path"
NO_NETWORK = "'data.source: packaged' needs no network"


def package_file(module: str, name: str, *, package: str, otherwise: str = "") -> Path:
    """A data file that an installed package brings along; the package is not imported.

    Reading the file costs milliseconds where importing the package costs seconds in every worker.

    Args:
        module: the package's top-level module ("sklearn").
        name: the file, relative to the module's folder.
        package: what the user installs ("scikit-learn").
        otherwise: another way out, for the error ("set data.source: online").

    Raises:
        UserError: the package is not installed, or this version of it has no such file.
    """
    way_out = f"{INSTALL}, or {otherwise}" if otherwise else INSTALL
    spec = find_spec(module)
    folders = spec.submodule_search_locations if spec is not None else None
    if not folders:
        raise UserError(f"this data set needs the package {package}", hint=way_out)
    for folder in folders:
        file = Path(folder) / name
        if file.is_file():
            return file
    raise UserError(
        f"the installed version of {package} does not hold {module}/{name}", hint=way_out
    )


def given_path(path: Path | None, kind: Literal["file", "folder"], holding: str) -> Path:
    """The config's `data.path`, checked.

    Args:
        path: what the config gives, if anything.
        kind: what must be there.
        holding: what the file or folder must hold, for the error.

    Raises:
        UserError: nothing is given, or it is not an existing file or folder.
    """
    rule = f"must name an existing {kind} with {holding}"
    if path is None:
        raise UserError(rule, key=PATH_KEY)
    if not (path.is_file() if kind == "file" else path.is_dir()):
        raise UserError(rule, key=PATH_KEY, value=str(path))
    return path


def download(origin: str, name: str, checksum: str, *, called: str) -> Path:
    """A file on the net, fetched once into Keras' cache, and checked each time.

    Args:
        origin: its address.
        name: the data set, for the errors.
        checksum: "md5:..." or "sha1:...", as its publishers or their readers state it.
        called: what the file is called in the cache.

    Raises:
        UserError: the download failed, or is not the file that it was.
    """
    import keras

    try:
        file = Path(keras.utils.get_file(called, origin))
    except Exception as error:  # keras.utils.get_file raises nothing more specific
        raise UserError(f"the download of {name} failed ({error})", hint=NO_NETWORK) from error
    algorithm, _, expected = checksum.partition(":")
    with file.open("rb") as content:
        found = hashlib.file_digest(content, algorithm).hexdigest()
    if found != expected:
        raise UserError(
            f"the download of {name} must have the {algorithm} {expected}", file=file, value=found,
            hint="delete the file, and it is fetched anew",
        )  # fmt: skip
    return file


def keras_dataset(module: str, name: str, **settings: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """All examples and targets of one of Keras' data sets, which it downloads once and checks.

    Args:
        module: the data set in `keras.datasets`.
        name: what it is called, for the error.
        settings: what its `load_data` is given.

    Returns:
        Examples of shape (examples, ...) and targets of shape (examples,), the training part before
        the test part.

    Raises:
        UserError: the download failed.
    """
    import keras

    try:
        train, test = getattr(keras.datasets, module).load_data(**settings)
    except Exception as error:  # keras.utils.get_file raises nothing more specific
        raise UserError(f"the download of {name} failed ({error})", hint=NO_NETWORK) from error
    examples, targets = (np.concatenate(arrays) for arrays in zip(train, test, strict=True))
    return examples, targets.reshape(len(examples))
