"""Pairs in a file outside any package: the text travels, and every process builds the same module."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import linecache
import re
import sys
import tokenize
from pathlib import Path
from threading import RLock
from types import ModuleType

from service.catalog.digest import code_digest
from service.catalog.modules import DEFAULT_CONSTANT, pair_in, told_by_place
from service.contracts.errors import UserError
from service.contracts.pair import LocatedPair

_FILE = re.compile(r"(?P<file>.*\.py)(?::(?P<constant>[^:/\\]*))?", re.DOTALL)
_OURS = ("experiments", "service")
_ALONE = "a pair file travels to workers alone"
_WAY_OUT = "put the code into the file, or make a package of it and write package.module:PAIR"

_building = RLock()


def split_reference(reference: str) -> tuple[str, str] | None:
    """The file and the constant of "./file.py:PAIR"; None where no file is meant."""
    found = _FILE.fullmatch(reference)
    return (found["file"], found["constant"] or DEFAULT_CONSTANT) if found else None


def from_file(reference: str, base: Path | None) -> LocatedPair:
    """Load the pair of a file.

    Args:
        reference: "./file.py:PAIR"; ":PAIR" may be left out.
        base: the folder to start from; the working directory comes second.

    Returns:
        The pair, with the file's text.

    Raises:
        UserError: the file is not there, or something is wrong in it.
    """
    name, constant = split_reference(reference) or (reference, DEFAULT_CONSTANT)
    wanted = Path(name).expanduser()
    folders = [folder for folder in (base, Path.cwd()) if folder is not None]
    for folder in folders:
        if (folder / wanted).is_file():
            file = folder / wanted
            return _build(_read(file), f"{name}:{constant}", constant, str(file), file.parent)
    looked = " or ".join(dict.fromkeys(str(folder) for folder in folders))
    raise UserError(f"no such file as '{name}'", hint=f"looked in {looked}")


def from_text(text: str, reference: str) -> LocatedPair:
    """Build a file's pair from its text alone, as a worker does.

    The module has no `__file__` and no neighbours: relative imports, and imports of files that
    lie beside it, are not supported.

    Args:
        text: the file's text.
        reference: the pair's reference, "./file.py:PAIR".

    Returns:
        The pair that `locate` finds in the file, with the same digest.

    Raises:
        UserError: something is wrong in the text.
    """
    name, constant = split_reference(reference) or (reference, DEFAULT_CONSTANT)
    return _build(text, f"{name}:{constant}", constant, name, None)


def _read(file: Path) -> str:
    try:
        with tokenize.open(file) as stream:
            return stream.read()
    except (OSError, UnicodeDecodeError, SyntaxError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in the encoding it names"
        raise UserError(f"cannot be read: {reason}", file=file) from None


def _build(
    text: str, reference: str, constant: str, shown: str, folder: Path | None
) -> LocatedPair:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    module = _module(text, shown, folder)
    return LocatedPair(
        pair=pair_in(module, constant, text, shown),
        reference=reference,
        code=code_digest(text),
        text=text,
    )


def _module(text: str, shown: str, folder: Path | None) -> ModuleType:
    """The module of this text: one in each process, under a name that follows from the text."""
    name = f"archduel_pair_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
    filename = f"<{name}>"
    with _building:
        with told_by_place(filename, shown):
            tree = ast.parse(text, filename)
            _refuse_neighbours(tree, shown, folder)
        if name in sys.modules:
            return sys.modules[name]
        module = ModuleType(name)
        # Tracebacks and inspect.getsource find the text here, for there is no file in a worker.
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
        sys.modules[name] = module  # before it runs: dataclasses look themselves up there
        try:
            with told_by_place(filename, shown, _hint):
                exec(compile(tree, filename, "exec", dont_inherit=True), module.__dict__)
        except UserError:
            del sys.modules[name]
            raise
        return module


def _hint(error: BaseException) -> str | None:
    if isinstance(error, ModuleNotFoundError):
        return f"install it where archduel runs; if it is a file of yours: {_ALONE}, so {_WAY_OUT}"
    if isinstance(error, NameError) and error.name == "__file__":
        return f"{_ALONE}; reach data through the config's data.path"
    return None


def _refuse_neighbours(tree: ast.Module, shown: str, folder: Path | None) -> None:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            tops = [alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                rule = f"relative imports are not supported: {_ALONE}"
                raise UserError(rule, file=shown, line=node.lineno, hint=_WAY_OUT)
            tops = [(node.module or "").split(".")[0]]
        else:
            continue
        for top in tops:
            if folder is not None and top not in _OURS and _is_neighbour(top, folder):
                rule = f"'{top}' lies beside the file and cannot be imported: {_ALONE}"
                raise UserError(rule, file=shown, line=node.lineno, hint=_WAY_OUT)


def _is_neighbour(top: str, folder: Path) -> bool:
    """Whether importing this name in the driver would reach into the file's folder, or should."""
    beside = [folder / f"{top}.py", folder / top]
    if not (beside[0].is_file() or beside[1].is_dir()):
        return False
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is None:
        return True
    places = [Path(place) for place in (spec.submodule_search_locations or [])]
    places += [Path(spec.origin)] if spec.origin and not places else []
    here = {path.resolve() for path in beside}
    return any(place.resolve() in here for place in places)
