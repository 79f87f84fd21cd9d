"""A browser for the tests, and a report for it to open."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

_HERE = Path(__file__).parent


def _module(name: str, file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    """The generator of synthetic experiments."""
    return _module("archduel_synthetic", _HERE.parent / "evidence" / "synthetic.py")


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """A headless Chromium."""
    driver = _module("archduel_chromium", _HERE / "chromium.py")
    program = driver.find()
    if program is None:
        pytest.skip("no Chromium is installed (on Debian: apt-get install chromium)")
    started = driver.Chromium(program)
    yield started
    started.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The text of axe-core, the accessibility checker."""
    spec = importlib.util.find_spec("axe_playwright_python")
    if spec is None or spec.origin is None:
        pytest.skip("axe-core is not installed: pip install --no-deps -r tests/browser/axe.txt")
    return (Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8")
