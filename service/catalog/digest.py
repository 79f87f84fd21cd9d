"""The digest of the code that decides a pair's results.

It covers the pair's own source, the `experiments` modules and the modules of its own package that
it imports (found in the syntax tree, so nothing is run), all of `service/training`, and the contracts
that shape data. It depends on neither paths nor line endings, so that driver and worker agree.
What is imported by a computed name cannot be seen.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

_CONTRACTS = ("data", "metric", "pair")
_SERVICE = Path(__file__).resolve().parents[1]


def code_digest(
    source: str, module: str | None = None, *, service: Path = _SERVICE, roots: Sequence[Path] = ()
) -> str:
    """Digest the code that decides a pair's results.

    Args:
        source: the text of the pair's file.
        module: its dotted name, where it has one: relative imports start there, and modules of the
            same top-level package count too.
        service: the folder of the machinery.
        roots: the folders in which packages are looked for; empty means where Python finds them.

    Returns:
        16 hexadecimal digits.
    """
    tops = frozenset({"experiments", *([module.split(".")[0]] if module else [])})
    parts = {"pair": source}
    for name, file in _reached(source, module, tops, roots):
        parts[f"module {name}"] = read(file)
    for file in sorted((service / "training").rglob("*.py")):
        parts[f"training {file.relative_to(service / 'training').as_posix()}"] = read(file)
    for name in _CONTRACTS:
        parts[f"contract {name}"] = read(service / "contracts" / f"{name}.py")
    digest = hashlib.sha256()
    for name in sorted(parts):
        for text in (name, _lines_alike(parts[name])):
            content = text.encode("utf-8", "surrogatepass")
            digest.update(b"%d:%b" % (len(content), content))
    return digest.hexdigest()[:16]


def read(file: Path) -> str:
    """The text of a Python file, without a byte order mark."""
    return file.read_bytes().decode("utf-8-sig", "surrogateescape")


def _lines_alike(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _reached(
    source: str, module: str | None, tops: frozenset[str], roots: Sequence[Path]
) -> Iterator[tuple[str, Path]]:
    """Every module below the `tops` that the source imports, directly or not, with its file."""
    seen = {module}
    waiting = sorted(imported(source, _package(module, is_package=False), tops))
    if module:
        waiting += _parents(module)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        file = _file_of(name, roots)
        if file is None:
            continue  # `from experiments.blocks import residual` names an attribute, not a module
        yield name, file
        package = _package(name, is_package=file.name == "__init__.py")
        waiting += [*_parents(name), *sorted(imported(read(file), package, tops))]


@lru_cache(maxsize=512)  # pairs share most of what they import
def imported(source: str, package: str, tops: frozenset[str]) -> frozenset[str]:
    """The dotted names below the `tops` that a source may import, names of attributes included.

    Args:
        source: Python text; what does not parse imports nothing (importing it will tell).
        package: where relative imports start, empty if nowhere.
        tops: top-level packages of interest.

    Returns:
        Dotted names.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = _absolute(node, package)
            found.update([start, *(f"{start}.{alias.name}" for alias in node.names)])
    return frozenset(name for name in found if name.split(".")[0] in tops)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    parts = package.split(".") if package else []
    base = parts[: len(parts) - node.level + 1] if node.level else []
    return ".".join([*base, *([node.module] if node.module else [])])


def _package(module: str | None, *, is_package: bool) -> str:
    if module is None or is_package:
        return module or ""
    return module.rpartition(".")[0]


def _parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _file_of(module: str, roots: Sequence[Path]) -> Path | None:
    """The file of a module, found without importing it or its parents."""
    top, *rest = module.split(".")
    for folder in _folders(top, roots):
        if not rest and folder.with_suffix(".py").is_file():
            return folder.with_suffix(".py")
        for candidate in (folder.joinpath(*rest, "__init__.py"), _as_module(folder, rest)):
            if candidate is not None and candidate.is_file():
                return candidate
    return None


def _as_module(folder: Path, rest: list[str]) -> Path | None:
    return folder.joinpath(*rest[:-1], f"{rest[-1]}.py") if rest else None


def _folders(top: str, roots: Sequence[Path]) -> list[Path]:
    if roots:
        return [root / top for root in roots]
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    if spec.submodule_search_locations is None:
        return [Path(spec.origin).with_suffix("")] if spec.origin else []
    return [Path(folder) for folder in spec.submodule_search_locations]
