"""A browser for the tests, and a report for it to open."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import chromium


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """A headless Chromium."""
    program = chromium.find()
    if program is None:
        pytest.skip("no Chromium is installed (on Debian: apt-get install chromium)")
    started = chromium.Chromium(program)
    yield started
    started.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The text of axe-core, the accessibility checker."""
    spec = importlib.util.find_spec("axe_playwright_python")
    if spec is None or spec.origin is None:
        pytest.skip("axe-core is not installed: pip install --no-deps -r tests/browser/axe.txt")
    return (Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8")
