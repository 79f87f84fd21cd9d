"""Which uploaded files belong to an experiment."""

from __future__ import annotations

import json

import sqlalchemy as sa

from service.database.engine import Database
from service.queue import tables as db


def needed(database: Database) -> set[str]:
    """Hashes of the files that any experiment in the queue came with, whatever its state."""
    files = db.entry.c.files
    with database.reading() as connection:
        named = connection.scalars(sa.select(files).where(files != "[]").distinct())
        return {sha256 for text in named for _, sha256, _ in json.loads(text)}
