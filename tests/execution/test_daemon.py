"""A daemon is found again by its file, and ends with all that it started."""

from __future__ import annotations

import os
import time

import psutil

from service.execution.daemon import Daemon

COMMAND = ["/bin/sh", "-c", "setsid sleep 1000 & exec sleep 1000"]


def family(daemon):
    return [process.pid for process in daemon._marked()]


def started(folder):
    daemon = Daemon(folder, "it")
    daemon.start(COMMAND, os.environ, {"port": 7})
    while len(family(daemon)) < 2:
        time.sleep(0.01)
    return daemon


def test_another_service_finds_it_and_ends_it(tmp_path):
    started(tmp_path)
    heir = Daemon(tmp_path, "it")
    assert heir.alive()
    assert heir.facts == {"port": 7}
    assert (tmp_path / "it.json").stat().st_mode & 0o077 == 0
    heir.stop()
    assert not heir.alive()


def test_what_lost_its_parent_is_ended_too(tmp_path):
    daemon = started(tmp_path)
    main = daemon._process()
    main.kill()
    while daemon.alive():
        time.sleep(0.01)
    left = family(daemon)
    assert left
    daemon.stop()
    psutil.wait_procs([psutil.Process(pid) for pid in left if psutil.pid_exists(pid)], timeout=10)
    assert family(daemon) == []
