"""A runner of commands, a small config, and one real run that many tests look at."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from service.cli.application import app
from tests.cli.cli_calls import TINY, Invoke, RealRun


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Call a command in this process; the default home folder is an empty one."""
    monkeypatch.setenv("ARCHDUEL_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("ARCHDUEL_DEBUG", raising=False)

    def call(*words: object) -> Result:
        return CliRunner().invoke(app, [str(word) for word in words], prog_name="archduel")

    return call


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A config that is small and right."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def real_run(tmp_path_factory: pytest.TempPathFactory) -> RealRun:
    """It is run once; nobody may change what it found."""
    return RealRun(tmp_path_factory.mktemp("real"))
