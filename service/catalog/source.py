"""The text of a pair's builders, with what they call of their own file."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from service.catalog.digest import read
from service.contracts.pair import Pair


def builders(pair: Pair) -> dict[str, str]:
    """Read the code of both variants.

    Args:
        pair: a pair from a file.

    Returns:
        By variant, the text of its builder and of the functions and constants of the same file
        that it uses, in the file's order. A builder without a readable file is left out.
    """
    found = {variant.name: text_of(variant.build) for variant in pair.variants}
    return {name: text for name, text in found.items() if text}


def text_of(build: Callable[..., Any]) -> str | None:
    """The text of one builder, see `builders`; None where it has no readable file."""
    function = inspect.unwrap(getattr(build, "func", build))
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    try:
        source = read(Path(code.co_filename))
        tree = ast.parse(source)
    except (OSError, SyntaxError, ValueError):
        return None
    parts = {name: node for node in tree.body for name in _names(node)}
    start = next((node for node in tree.body if _begins(node) == code.co_firstlineno), None)
    if start is None:
        return None
    wanted: list[ast.stmt] = []
    waiting: list[ast.stmt] = [start]
    while waiting:
        node = waiting.pop()
        if node in wanted:
            continue
        wanted.append(node)
        used = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
        waiting += [parts[name] for name in used if name in parts]
    lines = source.splitlines()
    texts = [
        "\n".join(lines[_begins(node) - 1 : node.end_lineno])
        for node in sorted(wanted, key=lambda node: node.lineno)
    ]
    return "\n\n\n".join(texts) + "\n"


def _names(node: ast.stmt) -> list[str]:
    """What a statement of a module defines, imports left out."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


def _begins(node: ast.stmt) -> int:
    """The first line of a statement, its decorators included."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])
