"""The chart as a package, its README and its notes."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import yaml

from tests.helm.rendering import APIS, CHART, run

ROOT = CHART.parents[1]


def test_the_table_of_values_is_current() -> None:
    script = [sys.executable, str(CHART.parent / "values_table.py"), "--check"]
    assert subprocess.run(script, timeout=60).returncode == 0, "python helm/values_table.py"


def test_the_chart_packs(helm: Path, tmp_path: Path) -> None:
    done = run(helm, "package", str(CHART), "--destination", str(tmp_path))
    assert done.returncode == 0, done.stderr
    (package,) = tmp_path.glob("*.tgz")
    with tarfile.open(package) as archive:
        names = set(archive.getnames())
    assert {"archduel/values.schema.json", "archduel/files/tests/ray.py"} <= names
    assert "archduel/values-production.yaml" in names
    again = run(
        helm, "template", "packed", str(package), f"--values={CHART / 'values-laptop.yaml'}",
        *(f"--api-versions={api}" for api in APIS),
    )  # fmt: skip
    assert again.returncode == 0, again.stderr


def test_the_chart_is_of_this_archduel() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert chart["appVersion"] == project["version"]


def test_rays_version_is_the_locked_one() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    lines = (ROOT / "docker" / "cpu.lock").read_text(encoding="utf-8").splitlines()
    assert f"ray=={values['ray']['version']} \\" in lines
