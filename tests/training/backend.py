"""The backend that these tests run on. A process can have only one, so others are run from
`test_on_jax` in a process of their own, with ARCHDUEL_TEST_BACKEND set."""

from __future__ import annotations

import os

from service.contracts.strategy import OF_BACKEND, width
from service.contracts.trial import Runtime

RUNTIME = Runtime(backend=os.environ.get("ARCHDUEL_TEST_BACKEND", "tensorflow"))

FIRST = OF_BACKEND[RUNTIME.backend][0]
"""The strategy that is taken where nothing was measured."""

COMPILED = [name for name in OF_BACKEND[RUNTIME.backend] if name != "fit" and width(name) == 1]
"""Those that do what `fit` does in another way, one training at a time."""
