"""Removes uploaded files that no experiment needs any more."""

from __future__ import annotations

import threading
from collections.abc import Callable

from service.contracts.errors import ArchduelError
from service.database.engine import Database
from service.hosting.blobs import SURELY_KEPT, Blobs
from service.queue.uploads import needed

EVERY = 3600.0
"""Seconds between two looks; the first comes as long after the start."""


def tidy(
    database: Database, blobs: Blobs, stop: threading.Event, say: Callable[[str], None]
) -> None:
    """Look every hour, until `stop`."""
    while not stop.wait(EVERY):
        try:
            tidy_once(database, blobs, say)
        except ArchduelError:  # a database or a store that is away is told of by who needs it
            continue


def tidy_once(database: Database, blobs: Blobs, say: Callable[[str], None]) -> None:
    """Remove what was uploaded more than two days ago and belongs to no experiment."""
    removed = blobs.remove_uploads(needed(database), older=2 * SURELY_KEPT)
    if removed:
        say(f"{removed} uploaded files that no experiment needs were removed")
