"""From a reference in a config to a pair."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
from pathlib import Path
from types import ModuleType

from service.catalog.digest import code_digest, read
from service.catalog.files import from_file, split_reference
from service.catalog.modules import DEFAULT_CONSTANT, pair_in, told_by_place
from service.contracts.errors import ArchduelError, UserError, did_you_mean
from service.contracts.pair import LocatedPair

BUILT_IN = "experiments.pairs"
_MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


def names() -> list[str]:
    """List the built-in pairs: the modules of `experiments.pairs`, sorted.

    Returns:
        Their names; nothing of them is imported.

    Raises:
        ArchduelError: two folders of the package hold a module of one name.
    """
    found: dict[str, str] = {}
    for folder in importlib.import_module(BUILT_IN).__path__:
        for module in pkgutil.iter_modules([folder]):
            if module.name.startswith("_"):
                continue
            if module.name in found:
                raise ArchduelError(
                    f"pair '{module.name}' is in two folders: {found[module.name]} and {folder}"
                )
            found[module.name] = folder
    return sorted(found)


def locate(reference: str, base: Path | None = None) -> LocatedPair:
    """Find a pair.

    Args:
        reference: a built-in pair's name, "./file.py:PAIR" or "package.module:PAIR"; after a file,
            ":PAIR" may be left out.
        base: the folder from which a file is looked for first (the config's); then the working
            directory.

    Returns:
        The pair with what a worker needs to find the same one.

    Raises:
        UserError: there is no such pair, or its code has a mistake; the error names a file only
            where the mistake is in it.
    """
    if split_reference(reference) is not None:
        return from_file(reference, base)
    module, colon, constant = reference.partition(":")
    if colon:
        if not (_MODULE.fullmatch(module) and constant.isidentifier()):
            raise UserError(
                "a pair is a name, ./file.py:PAIR or package.module:PAIR", value=reference
            )
        return _from_module(module, constant, reference)
    known = names()
    if reference not in known:
        # A dot makes it a module whose constant was forgotten, unless a name comes close.
        dotted = "." in reference and _MODULE.fullmatch(reference) is not None
        hint = f"write {reference}:{DEFAULT_CONSTANT}" if dotted else did_you_mean(reference, known)
        raise UserError(f"unknown pair '{reference}'", hint=hint)
    located = _from_module(f"{BUILT_IN}.{reference}", DEFAULT_CONSTANT, reference)
    if located.pair.name != reference:
        raise UserError(
            f"pair '{located.pair.name}' must have the name of its module, '{reference}'",
            file=f"{BUILT_IN.replace('.', '/')}/{reference}.py",
            key="name",
        )
    return located


def _from_module(name: str, constant: str, reference: str) -> LocatedPair:
    try:
        spec = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        spec, missing = None, error.name
    except Exception as error:  # a parent package runs to find it: its mistakes are the user's
        raise UserError(
            f"module '{name}' cannot be imported: {type(error).__name__}: {error}"
        ) from error
    else:
        missing = name
    if spec is None or spec.origin is None or not spec.has_location:
        raise UserError(
            f"no module named '{missing}'",
            hint="install it, or put its folder on PYTHONPATH, here and where workers run",
        )
    source = read(Path(spec.origin))
    with told_by_place(spec.origin, spec.origin):
        module: ModuleType = importlib.import_module(name)
    return LocatedPair(
        pair=pair_in(module, constant, source, spec.origin),
        reference=reference,
        code=code_digest(source, name),
    )
