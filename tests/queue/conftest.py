"""A queue on each kind of database."""

from __future__ import annotations

import pytest

from service.contracts.entry import Attachment, Submission
from service.database.migrate import migrate
from service.queue.queue import Limits, Queue


@pytest.fixture
def queue(database):
    migrate(database)
    return Queue(database, Limits(max_running=3, user_running=2, user_queued=5, lease_seconds=30))


@pytest.fixture
def submission():
    """Makes submissions; those of another number have other content."""

    def make(number=0, owner="ada", **changes):
        fields = {
            "owner": owner,
            "name": "iris",
            "config": f"experiment: iris\ndesign: {{seed: {number}}}\n",
            "overrides": ("search.trials=4",),
            "files": (Attachment("mine.py", "ab" * 32, 12),),
        }
        return Submission(**{**fields, **changes})

    return make
