"""YAML 1.2 text to plain values, with the line of every key; nothing in it can run or explode."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from service.contracts.errors import UserError

KeyPath = tuple[str | int, ...]
"""Where a value stands: ("pairs", 2) or ("search", "trials")."""

MAX_BYTES = 256 * 1024
MAX_DEPTH = 20

_CORE = "tag:yaml.org,2002:"
_TEXT = {_CORE + name for name in ("str", "timestamp", "merge", "value")}
_CONTAINERS = {_CORE + "map", _CORE + "seq"}
_BOOLEANS = {"true": True, "false": False}


def read_text(file: Path, shown: str) -> str:
    """Read a config file.

    Args:
        file: the file.
        shown: what to call it in an error.

    Returns:
        Its text.

    Raises:
        UserError: it is not there, not readable, too large or not UTF-8.
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise UserError("no such file", file=shown) from None
    except IsADirectoryError:
        raise UserError("is a folder; a config is a YAML file", file=shown) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UserError(f"cannot be read: {reason}", file=shown) from None
    if len(content) > MAX_BYTES:
        raise UserError(f"must be at most {MAX_BYTES // 1024} KiB", file=shown)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UserError("must be UTF-8 text", file=shown, line=line) from None


def parse(text: str, shown: str) -> tuple[Any, dict[KeyPath, int]]:
    """Parse one YAML 1.2 document into mappings, lists and scalars.

    Args:
        text: the document.
        shown: what to call it in an error.

    Returns:
        The value (None for an empty document) and, by path, the line of each key or list item.

    Raises:
        UserError: it is not YAML, or holds a key twice, an anchor, an alias or a tag.
    """
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise UserError(f"must be at most {MAX_BYTES // 1024} KiB", file=shown)
    yaml = YAML(typ="safe", pure=True)
    try:
        root = yaml.compose(text)
    except YAMLError as error:
        raise _not_yaml(error, text, shown) from None
    except RecursionError:
        raise UserError(f"must be nested at most {MAX_DEPTH} deep", file=shown) from None
    except (ValueError, KeyError, IndexError, AttributeError, TypeError, NotImplementedError):
        # ruamel.yaml 0.19 lets a few of these through for broken escapes, tags and directives.
        raise UserError("is not valid YAML", file=shown) from None
    if root is None:
        return None, {}
    reader = _Reader(yaml, shown)
    return reader.value(root, ()), reader.lines


def _not_yaml(error: YAMLError, text: str, shown: str) -> UserError:
    line: int | None = None
    problem = getattr(error, "problem", None) or getattr(error, "context", None) or "is malformed"
    if isinstance(error, ReaderError):
        character = error.character  # a code point, or undecoded bytes
        shown_as = repr(chr(character) if isinstance(character, int) else character)
        problem = f"the character {shown_as} is not allowed"
        position = error.position if isinstance(error.position, int) else 0
        line = text[:position].count("\n") + 1
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        line = mark.line + 1
    hint = "put text that holds ': ' in quotes" if "mapping values" in str(problem) else None
    return UserError(f"is not valid YAML: {problem}", file=shown, line=line, hint=hint)


class _Reader:
    """Turns composed nodes into values and keeps their lines."""

    def __init__(self, yaml: YAML, shown: str) -> None:
        self._yaml = yaml
        self._shown = shown
        self.lines: dict[KeyPath, int] = {}

    def value(self, node: Node, path: KeyPath) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if node.anchor is not None:
            raise self._error(
                "anchors and aliases are not supported", node, path, "repeat the value"
            )
        if len(path) > MAX_DEPTH:
            raise self._error(f"must be nested at most {MAX_DEPTH} deep", node, ())
        tag = str(node.tag)
        if isinstance(node, MappingNode) and tag in _CONTAINERS:
            return {key: self.value(child, (*path, key)) for key, child in self._items(node, path)}
        if isinstance(node, SequenceNode) and tag in _CONTAINERS:
            return [self.value(child, (*path, place)) for place, child in enumerate(node.value)]
        if isinstance(node, ScalarNode):
            return self._scalar(node, tag, path)
        raise self._error("YAML tags are not supported", node, path, "write the plain value")

    def _items(self, node: MappingNode, path: KeyPath) -> Iterator[tuple[str, Node]]:
        first: dict[str, int] = {}
        for key_node, child in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode) or key_node.anchor is not None:
                raise self._error("a key must be plain text", key_node, path)
            key = str(key_node.value)
            if key in first:
                raise UserError(
                    f"is given twice, first in line {first[key]}",
                    file=self._shown,
                    line=line,
                    key=dotted((*path, key)),
                )
            first[key] = line
            self.lines[(*path, key)] = line
            yield key, child

    def _scalar(self, node: ScalarNode, tag: str, path: KeyPath) -> Any:
        text = str(node.value)
        if tag in _TEXT:
            return text
        try:
            if tag == _CORE + "null":
                return None
            if tag == _CORE + "bool":
                return self._boolean(node, text, path)
            if tag == _CORE + "int":
                return int(self._yaml.constructor.construct_yaml_int(node))
            if tag == _CORE + "float":
                number = float(self._yaml.constructor.construct_yaml_float(node))
                return number if math.isfinite(number) else text
        except (ValueError, OverflowError, IndexError):
            raise self._error("is not a number that can be read", node, path) from None
        raise self._error("YAML tags are not supported", node, path, "write the plain value")

    def _boolean(self, node: ScalarNode, text: str, path: KeyPath) -> bool:
        if text.lower() not in _BOOLEANS:  # `yes` in a document that says %YAML 1.1
            raise self._error("a switch must be written true or false", node, path)
        return _BOOLEANS[text.lower()]

    def _error(self, rule: str, node: Node, path: KeyPath, hint: str | None = None) -> UserError:
        return UserError(
            rule,
            file=self._shown,
            line=node.start_mark.line + 1,
            key=dotted(path) or None,
            hint=hint,
        )


def dotted(path: KeyPath) -> str:
    """The path as people write it: ("pairs", 2) becomes "pairs[2]"."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = part if part.isprintable() and part.strip() else repr(part)
            text += f".{plain}" if text else plain
    return text
