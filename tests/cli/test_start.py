"""Starting is fast and quiet: nothing heavy is imported before it is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = str(Path(__file__).parents[2] / "configs" / "mnist.yaml")
HEAVY = {
    "keras", "tensorflow", "jax", "torch", "ray", "mlflow", "optuna", "statsmodels", "plotly",
    "pandas", "sklearn", "mlxtend", "scipy", "sqlalchemy",
}  # fmt: skip

_PROBE = """
import contextlib, io, json, sys
from service.cli import main
with contextlib.redirect_stdout(io.StringIO()) as printed:
    try:
        main()
    except SystemExit as end:
        code = end.code
modules = sorted({name.partition(".")[0] for name in sys.modules})
print(json.dumps({"code": code or 0, "modules": modules, "printed": printed.getvalue()}))
"""


def probe(*words: str) -> tuple[int, set[str], str]:
    """Run a command in a process of its own: its exit code, what it imported and printed."""
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, *words],
        env={**os.environ, "ARCHDUEL_HOME": "/there/is/none"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    found = json.loads(done.stdout)
    return found["code"], set(found["modules"]), found["printed"]


def test_help_imports_neither_pydantic_nor_numpy_nor_anything_heavier() -> None:
    code, modules, printed = probe("--help")
    assert code == 0
    assert "doctor" in printed
    assert not modules & {*HEAVY, "pydantic", "numpy", "yaml", "ruamel", "jinja2"}


def test_the_version_needs_no_rich() -> None:
    code, modules, printed = probe("--version")
    assert code == 0
    assert printed.startswith("archduel ")
    assert not modules & {*HEAVY, "pydantic", "numpy", "rich"}


@pytest.mark.parametrize(("words", "needs"), [(("plan", CONFIG), {"scipy"}), (("pairs",), set())])
def test_looking_ahead_loads_no_backend(words: tuple[str, ...], needs: set[str]) -> None:
    code, modules, _ = probe(*words)
    assert code == 0
    assert not modules & (HEAVY - needs)
