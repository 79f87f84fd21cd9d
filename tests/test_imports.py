"""Imports point one way: the rooms of `service` and `experiments`, and what each may see."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]

MAY_IMPORT: dict[str, set[str]] = {
    "service.cli": {
        "service.api",
        "service.app",
        "service.client",
        "service.contracts",
        "service.hosting",
    },
    "service.api": {"service.contracts", "service.hosting", "service.queue"},
    "service.client": {"service.contracts"},
    "service.hosting": {
        "service.app",
        "service.catalog",
        "service.contracts",
        "service.database",
        "service.dispatch",
        "service.execution",
        "service.plan",
        "service.queue",
        "service.report",
        "service.stores",
    },
    "service.app": {
        "service.campaign",
        "service.catalog",
        "service.contracts",
        "service.evidence",
        "service.execution",
        "service.plan",
        "service.report",
        "service.stats",
        "service.stores",
    },
    "service.campaign": {"service.contracts", "service.evidence", "service.plan", "service.stats"},
    "service.evidence": {"service.contracts", "service.stats"},
    "service.report": {"service.catalog", "service.contracts", "service.evidence", "service.stats"},
    "service.plan": {"service.contracts"},
    "service.catalog": {"service.contracts"},
    "service.execution": {"service.catalog", "service.contracts", "service.training"},
    "service.training": {"service.catalog", "service.contracts"},
    "service.dispatch": {"service.contracts", "service.queue"},
    "service.queue": {"service.contracts", "service.database"},
    "service.stores": {"service.contracts", "service.database"},
    "service.database": {"service.contracts"},
    "service.stats": set(),
    "service.contracts": set(),
    "experiments.pairs": {
        "experiments.baselines",
        "experiments.blocks",
        "experiments.data",
        "experiments.measures",
        "experiments.translating",
        "service.contracts",
    },
    "experiments.sections": {
        "service.contracts",
        "service.evidence",
        "service.report",
        "service.stats",
    },
    "experiments.translating": {"experiments.data", "service.contracts"},
    "experiments.data": {"experiments.measures", "service.contracts"},
    "experiments.measures": {"service.contracts"},
    "experiments.baselines": {"service.contracts"},
    "experiments.blocks": {"service.contracts"},
}

ONLY_IN = {
    "keras": {"service.training", "experiments.pairs", "experiments.data", "experiments.blocks"},
    "ray": {"service.execution"},
    "mlflow": {"service.stores", "service.training"},
    "optuna": {"service.stores"},
    "sqlalchemy": {"service.database", "service.queue", "service.stores"},
    "alembic": {"service.database"},
    "plotly": {"service.report"},
    "typer": {"service.cli"},
    "fastapi": {"service.api"},
    "httpx": {"service.client", "service.execution"},
    "starlette": {"service.api"},
    "uvicorn": {"service.api"},
    "prometheus_client": {"service.api"},
    "fsspec": {"service.hosting"},
}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(
        "service", "experiments", include_external_packages=True, cache_dir=None
    )


def room(module: str) -> str:
    return ".".join(module.split(".")[:2])


def arrows(graph: grimp.ImportGraph) -> dict[str, set[str]]:
    """From room to room; what a room imports of itself is its own affair."""
    found: dict[str, set[str]] = {}
    for module in graph.modules:
        for imported in graph.find_modules_directly_imported_by(module):
            if imported.startswith(("service.", "experiments.")) and room(module) != room(imported):
                found.setdefault(room(module), set()).add(room(imported))
    return found


def test_no_room_imports_what_it_may_not_see(graph: grimp.ImportGraph) -> None:
    wrong = {
        source: sorted(targets - MAY_IMPORT.get(source, set()))
        for source, targets in arrows(graph).items()
        if targets - MAY_IMPORT.get(source, set())
    }
    assert wrong == {}


def test_every_room_is_known(graph: grimp.ImportGraph) -> None:
    rooms = {room(m) for m in graph.modules if m.startswith(("service.", "experiments."))}
    assert rooms <= set(MAY_IMPORT)


def test_what_may_be_imported_has_no_circle() -> None:
    try:
        TopologicalSorter(MAY_IMPORT).prepare()
    except CycleError as error:
        pytest.fail(f"rooms in a circle: {error.args[1]}")


def test_modules_have_no_circle_inside_their_rooms(graph: grimp.ImportGraph) -> None:
    ours = {m for m in graph.modules if m.startswith(("service.", "experiments."))}
    imports = {m: graph.find_modules_directly_imported_by(m) & ours for m in ours}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(f"modules in a circle: {error.args[1]}")


@pytest.mark.parametrize("library", ONLY_IN)
def test_each_heavy_library_has_its_rooms(graph: grimp.ImportGraph, library: str) -> None:
    users = {
        room(module)
        for module in graph.modules
        if module.startswith(("service.", "experiments."))
        and library
        in {name.split(".")[0] for name in graph.find_modules_directly_imported_by(module)}
    }
    assert users, f"nothing imports {library}: is the graph complete?"
    assert users <= ONLY_IN[library]


def test_help_loads_nothing_heavy() -> None:
    heavy = {*ONLY_IN, "numpy", "scipy", "pydantic"} - {"typer"}
    code = f"""
import sys
from service.cli import main
sys.argv = ["archduel", "--help"]
try:
    main()
except SystemExit:
    pass
print(sorted({{name.split(".")[0] for name in sys.modules}} & {heavy!r}), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "doctor" in done.stdout
    assert done.stderr.strip() == "[]"


def test_modules_stay_short() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for folder in ("service", "experiments")
        for path in (ROOT / folder).rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 300
    }
    assert long == {}


def test_every_public_definition_says_what_it_does() -> None:
    silent = []
    for folder in ("service", "experiments"):
        for path in (ROOT / folder).rglob("*.py"):
            tree = ast.parse(path.read_text())
            if not ast.get_docstring(tree) and path.name != "__init__.py":
                silent.append(str(path.relative_to(ROOT)))
            for node in tree.body:
                if not isinstance(node, ast.FunctionDef | ast.ClassDef):
                    continue
                if not node.name.startswith("_") and not ast.get_docstring(node):
                    silent.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert silent == []
