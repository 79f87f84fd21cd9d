"""The generator of synthetic experiments, as a fixture."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

_FILE = Path(__file__).parents[1] / "evidence" / "synthetic.py"


@pytest.fixture(scope="session")
def synthetic() -> ModuleType:
    """The module `synthetic.py`; importlib mode has no package to import it from."""
    spec = importlib.util.spec_from_file_location("archduel_synthetic", _FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
