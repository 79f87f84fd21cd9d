"""`--set a.b=c`: values that replace those of the file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, NamedTuple

from ruamel.yaml import YAML

from service.contracts.errors import UserError, did_you_mean
from service.plan.document import KeyPath, dotted, parse
from service.plan.problems import keys_at

SHOWN = "--set"
"""What an error names instead of a file."""


class Override(NamedTuple):
    """One value of the command line.

    Args:
        path: the keys that lead to it.
        value: parsed as YAML.
    """

    path: KeyPath
    value: Any


def read(texts: Sequence[str]) -> list[Override]:
    """Parse overrides.

    Args:
        texts: each "a.b=value".

    Returns:
        One per text, in order.

    Raises:
        UserError: one is not of that form, or its key does not exist.
    """
    return [_read_one(text) for text in texts]


def _read_one(text: str) -> Override:
    key, equals, value = text.partition("=")
    path: KeyPath = tuple(key.strip().split("."))
    if not equals or not all(path):
        raise UserError("must be written key=value", file=SHOWN, value=text)
    for depth in range(len(path)):
        if path[:2] == ("search", "space") and depth == 2:
            break  # any hyperparameter may stand here; whether a pair has it is known later
        known = keys_at(path[:depth])
        if not known:
            raise UserError(f"{dotted(path[:depth])} holds no keys", file=SHOWN, key=dotted(path))
        if path[depth] not in known:
            raise UserError(
                "unknown key",
                file=SHOWN,
                key=dotted(path[: depth + 1]),
                hint=did_you_mean(str(path[depth]), known),
            )
    return Override(path, parse(value, f"{SHOWN} {dotted(path)}")[0])


def apply(document: Any, overrides: Sequence[Override]) -> None:
    """Put the overrides into a parsed config.

    Args:
        document: nested mappings; changed in place.
        overrides: later ones win.

    Raises:
        UserError: what should hold keys is a scalar or a list in the file.
    """
    for path, value in overrides:
        place = document
        for depth, part in enumerate(path[:-1], start=1):
            if place.get(part) is None:
                place[part] = {}
            place = place[part]
            if not isinstance(place, dict):
                raise UserError(
                    f"cannot be set, because {dotted(path[:depth])} holds no keys in the file",
                    file=SHOWN,
                    key=dotted(path),
                )
        place[path[-1]] = value


def rewrite(text: str, overrides: Sequence[Override]) -> str:
    """The config's text with the overrides in it; comments and order stay.

    Args:
        text: a config that `document.parse` has accepted.
        overrides: what to change.

    Returns:
        YAML text.
    """
    if not overrides:
        return text
    yaml = YAML(typ="rt", pure=True)
    yaml.preserve_quotes = True
    yaml.width = 10_000
    document = yaml.load(text)
    if document is None:
        document = yaml.map()
    apply(document, overrides)
    stream = io.StringIO()
    yaml.dump(document, stream)
    return stream.getvalue()
