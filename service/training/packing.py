"""Between named arrays and what a Keras model takes and returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.contracts.data import Arrays
from service.contracts.errors import ArchduelError


def packed(arrays: Mapping[str, Any]) -> Any:
    """One array as it is, several as a dict by name."""
    return next(iter(arrays.values())) if len(arrays) == 1 else dict(arrays)


def named(outputs: Any, targets: list[str]) -> dict[str, Any]:
    """A model's outputs by target name.

    Raises:
        ArchduelError: a model of several outputs did not return a dict with the targets' names.
    """
    if isinstance(outputs, Mapping):
        if sorted(outputs) != sorted(targets):
            raise ArchduelError(f"the model's outputs are {sorted(outputs)}, the targets {targets}")
        return dict(outputs)
    if len(targets) != 1:
        raise ArchduelError(f"a model with the targets {targets} must return a dict by target name")
    return {targets[0]: outputs}


def viewed(inputs: Arrays, view: Any) -> Arrays:
    """A variant's own view of the data set's inputs."""
    return inputs if view is None else view(inputs)
