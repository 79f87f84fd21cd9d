"""What can be said of a submission before it waits: nothing of it is run, and nothing is looked for
on this machine."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from service import catalog
from service.catalog.files import split_reference
from service.contracts.uploads import check_paths
from service.plan.build import build_plan
from service.plan.load import LoadedConfig, parse_config

SHOWN = "config"
"""What an error calls the text that was submitted."""


def admit(config: str, overrides: Sequence[str], paths: Collection[str]) -> str:
    """Check a submission. A user's own code is not run here: its mistakes are told by the driver.

    Args:
        config: the YAML's text.
        overrides: "key=value" each.
        paths: of the files that came with it, as they lie beside the config.

    Returns:
        The experiment's name.

    Raises:
        UserError: the first mistake, in one line.
    """
    check_paths(paths)
    loaded = parse_config(config, SHOWN, overrides)
    built_in = [_is_built_in(loaded, place, paths) for place in range(len(loaded.config.pairs))]
    _check_data(loaded, paths)
    if all(built_in) and loaded.config.data.path is None:
        build_plan(loaded, catalog.locate, catalog.names())
    return loaded.config.experiment


def _is_built_in(loaded: LoadedConfig, place: int, paths: Collection[str]) -> bool:
    """Whether a pair is archduel's own; one in a file must have come with the submission."""
    reference = loaded.config.pairs[place]
    split = split_reference(reference)
    if split is None:
        return ":" not in reference and "." not in reference
    if posixpath.normpath(split[0]) not in paths:
        raise loaded.error(
            ("pairs", place), "the file did not come with the submission", split[0],
            "archduel submit sends it; by HTTP, name it in files",
        )  # fmt: skip
    return False


def _check_data(loaded: LoadedConfig, paths: Collection[str]) -> None:
    given = loaded.config.data.path
    if given is None or PurePosixPath(given).is_absolute():
        return
    wanted = posixpath.normpath(given)
    if not any(path == wanted or path.startswith(f"{wanted}/") for path in paths):
        raise loaded.error(
            ("data", "path"), "nothing of this path came with the submission", given,
            "an absolute path names a place on the cluster",
        )  # fmt: skip
