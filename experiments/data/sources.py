"""Finds data, and says in one line what to do when it is not there."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from service.contracts import UserError

INSTALL = "pip install 'archduel[data]'"
PATH_KEY = "data.path"


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
