"""Uploaded files go when no experiment needs them, and never under a submission's hands."""

from __future__ import annotations

import hashlib
import io
import os
import time

import pytest

from service.contracts.entry import Attachment, Submission
from service.database.engine import Database
from service.database.migrate import migrate
from service.hosting.blobs import SURELY_KEPT, Blobs
from service.hosting.tidying import tidy_once
from service.queue.queue import Queue

NEEDED, YOUNG, OLD = b"needed", b"young", b"old"


def sha(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def queue(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'ledger.db'}")
    migrate(database)
    yield Queue(database)
    database.close()


@pytest.fixture
def blobs(tmp_path):
    blobs = Blobs((tmp_path / "store").as_uri())
    for content in (NEEDED, YOUNG, OLD):
        blobs.put(sha(content), io.BytesIO(content))
    return blobs


def aged(tmp_path, content, seconds):
    (path,) = (tmp_path / "store").rglob(f"{sha(content)}*")
    os.utime(path, (time.time() - seconds,) * 2)
    return path


def test_only_what_is_old_and_nobodys_goes(queue, blobs, tmp_path):
    file = Attachment("mine.py", sha(NEEDED), len(NEEDED))
    queue.submit(Submission(owner="sam", name="x", config="experiment: x", files=(file,)))
    for content in (NEEDED, OLD):
        aged(tmp_path, content, 3 * SURELY_KEPT)
    broken = aged(tmp_path, YOUNG, 1.5 * SURELY_KEPT).with_suffix(".abc.part")
    broken.write_bytes(b"half")
    os.utime(broken, (time.time() - 3 * SURELY_KEPT,) * 2)
    blobs.write("runs/x/report.md", b"report")
    said = []
    tidy_once(queue.database, blobs, said.append)
    tidy_once(queue.database, blobs, said.append)
    assert said == ["2 uploaded files that no experiment needs were removed"]
    left = {path.name for path in (tmp_path / "store").rglob("*") if path.is_file()}
    assert left == {sha(NEEDED), sha(YOUNG), "report.md"}


def test_what_may_go_soon_is_asked_for_again(blobs, tmp_path):
    """Between the question whether a file is there and the entry that names it, it stays."""
    assert blobs.size(sha(OLD)) == len(OLD)
    aged(tmp_path, OLD, SURELY_KEPT + 1)
    assert blobs.size(sha(OLD)) is None
    blobs.put(sha(OLD), io.BytesIO(OLD))
    assert blobs.size(sha(OLD)) == len(OLD)
    assert blobs.remove_uploads(set(), older=2 * SURELY_KEPT) == 0


def test_an_empty_store_is_tidy(queue, tmp_path):
    tidy_once(
        queue.database, Blobs((tmp_path / "nothing").as_uri()), lambda line: pytest.fail(line)
    )
