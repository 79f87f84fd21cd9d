"""Data sets as named arrays, where they come from, and how they are split."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]
"""Arrays by name; the first axis of each is the examples."""

Names = Mapping[str, tuple[str, ...]]
"""By input or target name, what its whole numbers stand for, or what its columns are called."""


@dataclass(frozen=True)
class Examples:
    """Some examples: what goes into a model and what should come out.

    Args:
        inputs: arrays by input name, each of shape (examples, ...).
        targets: arrays by target name, each of shape (examples, ...).
        names: what numbers stand for (classes, words) and columns are called; for people to read,
            and no part of the data.
    """

    inputs: Arrays
    targets: Arrays
    names: Names = field(default_factory=dict)

    def __len__(self) -> int:
        return len(next(iter(self.targets.values())))

    def take(self, index: NDArray[np.integer[Any]]) -> Examples:
        """The examples at these positions, in this order; `index` has shape (n,)."""
        return Examples(
            inputs={name: array[index] for name, array in self.inputs.items()},
            targets={name: array[index] for name, array in self.targets.items()},
            names=self.names,
        )


@dataclass(frozen=True)
class Dataset:
    """A whole data set, before any split.

    Args:
        examples: all of it.
        groups: an identity per example (a person, a page) that no two splits may share, shape (n,).
        facts: what a reader should know, in order ("classes" -> "3, balanced").
    """

    examples: Examples
    groups: NDArray[Any] | None = None
    facts: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.examples)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of every array's name, type, shape and content: another source is another one."""
        digest = hashlib.sha256()
        for kind, arrays in (("input", self.examples.inputs), ("target", self.examples.targets)):
            for name in sorted(arrays):
                array = np.ascontiguousarray(arrays[name])
                digest.update(f"{kind}:{name}:{array.dtype.str}:{array.shape}".encode())
                digest.update(array.tobytes())
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Split:
    """Which examples train, which guide the search, which are held back for the verdict.

    Args:
        train, validation, test: positions in the data set, each of shape (n,), disjoint.
    """

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


Splitter = Callable[[Dataset, np.random.Generator], Split]
"""Draws a split; everything random in it comes from the generator."""


class SourceKind(StrEnum):
    """Where data comes from: an installed package, the network, or the user's own files."""

    PACKAGED = "packaged"
    ONLINE = "online"
    PATH = "path"


@dataclass(frozen=True)
class Source:
    """One place a pair's data can come from.

    Args:
        name: what a report prints ("scikit-learn load_iris").
        kind: packaged, online or path.
        load: reads it; it is given the config's `data.path` for kind path, else None. It raises
            `UserError` naming the package to install or the config line when it cannot.
        licence: the terms and the credit.
    """

    name: str
    kind: SourceKind
    load: Callable[[Path | None], Dataset]
    licence: str = ""
