"""Importing code that others wrote: whatever goes wrong in it, they read one line with its place."""

from __future__ import annotations

import ast
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType

from service.catalog.check import check_pair
from service.contracts.errors import UserError, did_you_mean, nearest
from service.contracts.pair import Pair

DEFAULT_CONSTANT = "PAIR"

Hint = Callable[[BaseException], str | None]


@contextmanager
def told_by_place(filename: str, shown: str, hint: Hint = lambda _: None) -> Iterator[None]:
    """Turn whatever is raised while a file runs into a `UserError` that names its line.

    Args:
        filename: the file as its code objects name it.
        shown: the file as an error names it.
        hint: what to do about an error, if anything is known.

    Raises:
        UserError: the code inside raised (or called `exit`).
    """
    try:
        yield
    except SyntaxError as error:
        ours = error.filename in (filename, None)
        place = shown if ours else error.filename
        raise UserError(
            f"is not valid Python: {error.msg}", file=place, line=error.lineno
        ) from None
    except UserError as error:
        raise UserError(
            error.rule,
            file=error.file or shown,
            line=error.line or _line(error, filename),
            key=error.key,
            value=error.value,
            hint=error.hint,
        ) from None
    except (Exception, SystemExit) as error:
        told = f"{type(error).__name__}: {error}".rstrip(": ")
        raise UserError(
            f"cannot be imported: {told}",
            file=shown,
            line=_line(error, filename),
            hint=hint(error),
        ) from error


def _line(error: BaseException, filename: str) -> int | None:
    """The last line of the file that ran before the error."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == filename]
    return lines[-1] if lines else None


def pair_in(module: ModuleType, constant: str, source: str, shown: str) -> Pair:
    """Take a pair out of a module.

    Args:
        module: the imported module.
        constant: the name of the pair in it.
        source: the module's text.
        shown: its file as an error names it.

    Returns:
        The pair, its fields checked.

    Raises:
        UserError: the constant is missing or is not a pair.
    """
    if not hasattr(module, constant):
        pairs = [name for name, value in vars(module).items() if isinstance(value, Pair)]
        close = nearest(constant, pairs) or (pairs[0] if len(pairs) == 1 else None)
        hint = f"did you mean '{close}'?" if close else None
        if pairs and not close:
            hint = did_you_mean(constant, pairs)
        raise UserError(f"has no constant '{constant}'", file=shown, hint=hint)
    value = getattr(module, constant)
    line = _assigned_at(source, constant)
    if not isinstance(value, Pair):
        raise UserError(
            f"must be a Pair (from service.contracts), but it is of type {type(value).__name__}",
            file=shown,
            line=line,
            key=constant,
        )
    check_pair(value, shown, line)
    return value


def _assigned_at(source: str, constant: str) -> int | None:
    """The line that last assigns a module's constant."""
    line = None
    for node in ast.parse(source).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign):
            targets = [node.target]
        if any(isinstance(target, ast.Name) and target.id == constant for target in targets):
            line = node.lineno
    return line
