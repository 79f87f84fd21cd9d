import os
import signal
import subprocess
import sys

import pytest

from service.contracts.errors import ArchduelError, UserError
from service.stores.lock import hold, is_held

HOLDER = """
import sys, time
from pathlib import Path
from service.stores.lock import hold
with hold(Path(sys.argv[1]), "iris"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_driver_is_told_who_holds_it_and_kill_9_releases_it(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(UserError, match=rf"'iris' is in use by process {process.pid} on") as e:
            hold(tmp_path, "iris").__enter__()
        assert f"kill {process.pid}" in str(e.value)
        with hold(tmp_path, "wine"):
            pass
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with hold(tmp_path, "iris"):
        pass


def test_one_process_cannot_hold_it_twice(tmp_path):
    with hold(tmp_path, "a/b"), pytest.raises(UserError, match=f"process {os.getpid()}"):
        hold(tmp_path, "a/b").__enter__()
    with hold(tmp_path, "a/b"):
        pass


def test_looking_whether_it_is_held_makes_nothing_and_takes_nothing(tmp_path):
    assert not is_held(tmp_path, "iris")
    assert list(tmp_path.iterdir()) == []
    with hold(tmp_path, "iris"):
        assert is_held(tmp_path, "iris")
        assert not is_held(tmp_path, "wine")
        with pytest.raises(UserError):
            hold(tmp_path, "iris").__enter__()
    assert not is_held(tmp_path, "iris")
    with hold(tmp_path, "iris"):
        pass


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "locks").write_text("")
    with pytest.raises(ArchduelError, match="the lock could not be taken"):
        hold(tmp_path, "iris").__enter__()
