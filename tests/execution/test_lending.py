"""Lent workers: who may take them, and when they end. Ray's part is a stand-in here."""

from __future__ import annotations

import os
import threading
import time

import pytest

from service.contracts.trial import Runtime
from service.execution import ray_lent
from service.execution.ray_actor import RECYCLE_GROWTH_BYTES
from service.execution.ray_lent import LentWorker
from service.training import memory


class Ended(BaseException):
    """In place of the end of the process."""


@pytest.fixture
def worker(monkeypatch):
    """A worker that some run borrowed; its watch is called by the tests themselves."""

    def end(code):
        raise Ended(code)

    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr(threading.Thread, "start", lambda self: None)
    monkeypatch.setattr(memory, "resident_bytes", lambda: 1 << 30)  # not that of the tests
    worker = LentWorker(Runtime(), "first run", 60.0)
    worker._worker, worker._first_size = "data and programs", 1 << 30
    return worker


def soon():
    return time.time() + 60


def test_a_borrowed_worker_is_nobody_elses(worker):
    assert not worker.adopt("second run", soon())
    worker.retire(soon())
    worker.release()
    assert worker._worker is None, "data and pairs are let go of"
    assert worker.adopt("second run", soon())
    assert not worker.adopt("third run", soon())


def test_who_asked_too_long_ago_gets_nothing(worker):
    worker.release()
    assert not worker.adopt("late run", time.time() - 1)
    worker.retire(time.time() - 1)
    assert worker.adopt("second run", soon())


def test_an_idle_worker_makes_room(worker):
    worker.release()
    with pytest.raises(Ended):
        worker.retire(soon())


def test_a_worker_that_has_grown_is_not_lent_again(worker, monkeypatch):
    monkeypatch.setattr(memory, "resident_bytes", lambda: (1 << 30) + RECYCLE_GROWTH_BYTES + 1)
    with pytest.raises(Ended):
        worker.release()


def test_an_idle_worker_ends_when_nobody_comes(worker, monkeypatch):
    monkeypatch.setattr(ray_lent, "LOOK_EVERY", 0.0)
    worker.release()
    worker._idle_since -= 61
    with pytest.raises(Ended):
        worker._watch()


def test_an_idle_worker_ends_when_its_node_is_about_to_go(worker, monkeypatch):
    monkeypatch.setattr(ray_lent, "LOOK_EVERY", 0.0)
    asked = iter([False, False, True])
    monkeypatch.setattr(ray_lent, "_goes", lambda ray, draining: next(asked))
    worker.release()
    with pytest.raises(Ended):
        worker._watch()
    assert next(asked, None) is None


def test_a_worker_ends_when_its_run_is_gone(worker, monkeypatch):
    import ray

    class Anchor:
        class alive:  # noqa: N801
            @staticmethod
            def remote():
                return "reference"

    def get(reference, timeout):
        raise ray.exceptions.RayActorError()

    monkeypatch.setattr(ray_lent, "LOOK_EVERY", 0.0)
    monkeypatch.setattr(ray, "get", get)
    worker._anchor = Anchor()
    with pytest.raises(Ended):
        worker._watch()
