"""How much has to be written: lines, tokens and named tensors of a builder's code."""

from __future__ import annotations

import ast
import io
import tokenize
from dataclasses import dataclass

_NOT_WRITTEN = frozenset(
    {
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENCODING,
        tokenize.ENDMARKER,
    }
)
_MODELS = frozenset({"Model", "Sequential"})


@dataclass(frozen=True)
class Boilerplate:
    """What a builder takes to write; comments, docstrings and blank lines are not counted.

    Attributes:
        lines: lines with code on them.
        tokens: Python's tokens, line ends and indentation left out.
        named: names that stand for a tensor: an input, or what a call on a named tensor gives.
    """

    lines: int
    tokens: int
    named: int


def boilerplate(code: str) -> Boilerplate | None:
    """Measure the code of a builder.

    Args:
        code: Python text.

    Returns:
        The counts; None where it is not Python.
    """
    try:
        tree = ast.parse(code)
        tokens = list(tokenize.generate_tokens(io.StringIO(code).readline))
    except (SyntaxError, ValueError, tokenize.TokenError):
        return None
    told = [
        range(node.body[0].lineno, (node.body[0].end_lineno or node.body[0].lineno) + 1)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module)
        and ast.get_docstring(node, clean=False) is not None
    ]
    written = [
        token
        for token in tokens
        if token.type not in _NOT_WRITTEN and not any(token.start[0] in span for span in told)
    ]
    lines = {line for token in written for line in range(token.start[0], token.end[0] + 1)}
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return Boilerplate(len(lines), len(written), sum(_named(node) for node in functions))


def _named(function: ast.FunctionDef) -> int:
    """Names that a function gives to tensors, read in the order of its statements."""
    found: set[str] = set()
    for node in ast.walk(function):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        if _makes_a_tensor(node.value, found):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found.update(
                part.id for one in targets for part in ast.walk(one) if isinstance(part, ast.Name)
            )
    return len(found)


def _makes_a_tensor(value: ast.expr, tensors: set[str]) -> bool:
    if isinstance(value, ast.Name):
        return value.id in tensors
    calls = [part for part in ast.walk(value) if isinstance(part, ast.Call)]
    if any(_called(call) in _MODELS for call in calls):
        return False
    return any(
        _called(call) == "Input"
        or any(
            isinstance(part, ast.Name) and part.id in tensors
            for argument in call.args
            for part in ast.walk(argument)
        )
        for call in calls
    )


def _called(call: ast.Call) -> str:
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""
