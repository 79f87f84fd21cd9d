"""Is everything ready? What archduel needs, looked at one by one."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from service.app import history, library, machine
from service.app.home import Home
from service.app.machine import GIB, Check
from service.contracts.data import SourceKind
from service.contracts.errors import ArchduelError
from service.stores.lock import hold

__all__ = ["Check", "examine"]

LITTLE_DISK = GIB
_ASSIGNED = re.compile(r"""^(revision|down_revision)(?::[^=]*)? = ["'](\w+)["']""", re.MULTILINE)


def examine(
    home: Path | None, *, deep: bool = False, address: str | None = None
) -> Iterator[Check]:
    """Look at everything; each result comes as soon as it is known.

    Args:
        home: the home folder given, None for the default one.
        deep: also import the backends and start Ray, which takes a minute.
        address: a Ray cluster to join.

    Yields:
        Checks. All is well if none is broken.
    """
    yield machine.libraries()
    yield from machine.backends(deep)
    yield machine.processors()
    yield machine.gpus()
    yield machine.shared_memory()
    if deep or address is not None:
        yield machine.ray(address)
    try:
        opened = Home.open(home, create=False)
    except ArchduelError as error:
        yield Check("home", "broken", str(error))
    else:
        yield home_folder(opened)
        yield ledger(opened)
        yield mlflow_store(opened)
    yield from pairs()


def home_folder(home: Home) -> Check:
    """Whether files can be written and locked there, and how much room there is.

    Nothing is left behind; where there is no home folder yet, the folder that will hold it is
    looked at.
    """
    remedy = "give another with --home or ARCHDUEL_HOME"
    there = next(path for path in (home.path, *home.path.parents) if path.exists())
    try:
        with tempfile.TemporaryDirectory(dir=there) as probe:
            (Path(probe) / "probe").write_bytes(b"archduel")
            with hold(Path(probe), "doctor"):
                pass
        free = shutil.disk_usage(there).free
    except (OSError, ArchduelError) as error:
        return Check("home", "broken", f"{home.path}: {error}", remedy)
    note = "" if there == home.path else " (not there yet; a run makes it)"
    detail = f"{home.path}, {free / GIB:.1f} GiB free{note}"
    if free < LITTLE_DISK:
        return Check("home", "warning", detail, f"free some space, or {remedy}")
    return Check("home", "ok", detail)


def ledger(home: Home) -> Check:
    """Whether the results so far can be read."""
    try:
        rows = history.experiments(home)
    except ArchduelError as error:
        return Check("ledger", "broken", str(error))
    if not rows:
        return Check("ledger", "ok", "nothing was run yet")
    trainings = sum(row.done for row in rows)
    return Check("ledger", "ok", f"experiments: {len(rows)}; trainings recorded: {trainings:,}")


def mlflow_store(home: Home) -> Check:
    """Whether MLflow's copy of the results can be read. It can always be made again."""
    file = Path(home.mlflow_uri.removeprefix("sqlite:///"))
    if not file.exists():
        return Check("MLflow store", "ok", "none yet; a run or archduel sync makes it")
    remedy = f"move {file} away, then archduel sync makes it anew from the ledger"
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=5)) as store:
            (count,) = store.execute("SELECT count(*) FROM runs").fetchone()
            row = store.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.Error as error:
        return Check("MLflow store", "warning", f"{file}: {error}", remedy)
    revision = None if row is None else row[0]
    parents = schema_revisions()
    heads = parents.keys() - parents.values()
    if {revision} != heads:
        detail = f"{file} has schema {revision}, MLflow here needs {', '.join(sorted(heads))}"
        if revision is not None and revision not in parents:
            detail, remedy = f"{detail}: a newer MLflow made it", f"upgrade mlflow, or {remedy}"
        return Check("MLflow store", "warning", detail, remedy)
    return Check("MLflow store", "ok", f"{file}, {count:,} runs (schema {revision})")


def schema_revisions() -> dict[str, str | None]:
    """The schemas that the installed MLflow knows, and which each of them follows.

    They are read from the migrations' files: importing MLflow takes seconds.
    """
    found = importlib.util.find_spec("mlflow")
    if found is None or found.origin is None:
        return {}
    folder = Path(found.origin).parent / "store" / "db_migrations" / "versions"
    revisions: dict[str, str | None] = {}
    for file in folder.glob("*.py"):
        lines = dict(_ASSIGNED.findall(file.read_text(encoding="utf-8")))
        if "revision" in lines:
            revisions[lines["revision"]] = lines.get("down_revision")
    return revisions


def pairs() -> Iterator[Check]:
    """Whether each built-in pair can be loaded, and its packaged data."""
    try:
        names = library.names()
    except (ArchduelError, ImportError) as error:
        yield Check("pairs", "broken", str(error), "install archduel anew")
        return
    for name in names:
        yield _pair(name)


def _pair(name: str) -> Check:
    title = f"pair {name}"
    try:
        pair = library.pair(name).pair
    except ArchduelError as error:
        return Check(title, "broken", str(error))
    packaged = [source for source in pair.sources if source.kind is SourceKind.PACKAGED]
    if not packaged:
        kinds = ", ".join(source.kind.value for source in pair.sources)
        return Check(title, "ok", f"has no packaged data; set data.source to one of: {kinds}")
    begun = time.monotonic()
    try:
        found = packaged[0].load(None)
    except Exception as error:  # a loader is a pair's own code: whatever it raises is told
        told = (
            str(error) if isinstance(error, ArchduelError) else f"{type(error).__name__}: {error}"
        )
        return Check(title, "warning", told, "pip install 'archduel[data]'")
    took = time.monotonic() - begun
    return Check(title, "ok", f"{packaged[0].name}: {len(found):,} examples in {took:.2f} s")
