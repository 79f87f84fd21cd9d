"""Runs deployed.py in a network of its own, where the chart's ports and host names are free."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NAMES = ("try-archduel-api", "try-archduel-mlflow", "try-archduel-s3", "try-archduel-ray-head-svc")
INSIDE = """\
import fcntl, os, socket, struct, subprocess, sys
flags = struct.pack("16sh14x", b"lo", 0x1 | 0x40)
fcntl.ioctl(socket.socket(), 0x8914, flags)  # SIOCSIFFLAGS: the loopback device goes up
subprocess.run(["mount", "--bind", sys.argv[1], "/etc/hosts"], check=True)
os.execv(sys.executable, [sys.executable, "-m", "pytest", *sys.argv[2:]])
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_deployment_works_as_processes(tmp_path: Path) -> None:
    for program, package in (("weed", "tests/e2e/seaweedfs.txt"), ("helm", "make helm-tools")):
        places = os.pathsep.join(
            [str(Path(sys.executable).parent), str(HERE.parents[1] / ".tools")]
        )
        if shutil.which(program, path=places) is None:
            pytest.skip(f"{program} is not here: {package}")
    hosts = tmp_path / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {' '.join(NAMES)}\n")
    # Processes of its own, too: none outlives the first of them.
    own = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    own += [] if os.getuid() == 0 else ["--map-root-user"]
    if subprocess.run([*own, "true"], capture_output=True).returncode:
        pytest.skip("this machine lets nobody have a network of its own (unshare --net)")
    done = subprocess.run(
        [*own, sys.executable, "-c", INSIDE, str(hosts), str(HERE / "deployed.py"), "-x"],
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        timeout=1700,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
