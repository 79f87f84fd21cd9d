"""What a run needs once it has workers, loaded while it waits for Ray and for data."""

from __future__ import annotations

import threading
from contextlib import suppress


def load_late() -> None:
    """Load Optuna and the campaign in a thread.

    Where that fails nothing is told: whoever needs them fails in the same way.
    """

    def load() -> None:
        with suppress(ImportError):
            from service.app import campaigning  # noqa: F401
            from service.stores import optuna_search

            optuna_search.load()

    threading.Thread(target=load, name="late imports", daemon=True).start()
