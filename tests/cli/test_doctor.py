"""The doctor finds what is wrong and says what to do."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from service.app import doctor, facts, library, machine
from service.app.home import Home
from service.contracts.errors import UserError
from tests.cli.cli_calls import Invoke, RealRun


def test_a_ready_machine_is_told_so(invoke: Invoke) -> None:
    done = invoke("doctor")
    assert done.exit_code == 0, done.stdout
    for word in ("keras", "tensorflow", "cores", "home", "ledger", "pair iris", "150 examples"):
        assert word in done.stdout
    assert "broken" not in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 80
    assert "archduel run configs/iris.yaml" in done.stderr


def test_every_pair_is_looked_at(invoke: Invoke) -> None:
    found = json.loads(invoke("doctor", "--json").stdout)
    assert found["ok"] is True
    names = {check["name"] for check in found["checks"]}
    assert {f"pair {name}" for name in library.names()} <= names


def test_a_home_folder_that_is_a_file_is_broken(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "names", list)
    home = tmp_path / "home"
    home.write_text("not a folder")
    done = invoke("doctor", "--home", home)
    assert done.exit_code == 1
    assert "broken  home" in done.stdout
    assert "1 broken" in done.stdout


def test_a_damaged_ledger_is_broken_and_a_sound_one_is_counted(
    real_run: RealRun, tmp_path: Path
) -> None:
    sound = doctor.ledger(Home(real_run.home))
    assert (sound.state, sound.detail) == ("ok", "experiments: 1; trainings recorded: 5")
    (tmp_path / "ledger.db").write_text("this was a database once, before the disk failed" * 40)
    damaged = doctor.ledger(Home(tmp_path))
    assert damaged.state == "broken"
    assert "ledger.db" in damaged.detail


def test_a_damaged_mlflow_store_is_a_warning_because_it_can_be_made_again(
    real_run: RealRun, tmp_path: Path
) -> None:
    sound = doctor.mlflow_store(Home(real_run.home))
    assert sound.state == "ok"
    assert "6 runs" in sound.detail  # five trainings and the pair's own
    store = tmp_path / "mlflow" / "mlflow.db"
    store.parent.mkdir()
    store.write_text("this was a database once, before the disk failed" * 40)
    damaged = doctor.mlflow_store(Home(tmp_path))
    assert damaged.state == "warning"
    assert damaged.remedy is not None
    assert "archduel sync" in damaged.remedy


def test_the_schemas_known_are_those_of_mlflow() -> None:
    from mlflow.store.db.utils import _get_latest_schema_revision

    parents = doctor.schema_revisions()
    assert parents.keys() - parents.values() == {_get_latest_schema_revision()}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("UPDATE alembic_version SET version_num = '451aebb31d03'", "has schema 451aebb31d03"),
        ("UPDATE alembic_version SET version_num = 'from2030'", "a newer MLflow made it"),
        ("DELETE FROM alembic_version", "has schema None"),
    ],
)
def test_an_mlflow_store_of_another_schema_is_a_warning(
    real_run: RealRun, tmp_path: Path, change: str, word: str
) -> None:
    shutil.copytree(real_run.home / "mlflow", tmp_path / "mlflow")
    with closing(sqlite3.connect(tmp_path / "mlflow" / "mlflow.db")) as store, store:
        store.execute(change)
    found = doctor.mlflow_store(Home(tmp_path))
    assert found.state == "warning"
    assert word in found.detail
    assert found.remedy is not None
    assert "archduel sync" in found.remedy


def test_missing_data_is_a_warning_with_the_package_to_install(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("experiments.data.sources.find_spec", lambda module: None)
    done = invoke("doctor")
    assert done.exit_code == 0
    assert "warning pair iris" in done.stdout
    assert "pip install 'archduel[data]'" in done.stdout


def test_a_pair_with_a_mistake_is_broken(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise UserError("must be a number above 0", file=f"{name}.py", line=3, key="margin")

    monkeypatch.setattr(library, "pair", refuse)
    found = json.loads((done := invoke("doctor", "--json")).stdout)
    assert done.exit_code == 1
    assert found["ok"] is False
    assert "iris.py:3: margin: must be a number above 0" in [
        check["detail"] for check in found["checks"] if check["state"] == "broken"
    ]


def test_no_backend_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "BACKENDS", ("no_such_backend",))
    (check,) = machine.backends(deep=False)
    assert check.state == "broken"
    assert check.remedy == "pip install 'archduel[tensorflow]'"


def test_a_backend_that_cannot_be_imported_is_found_by_looking_deep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine, "_IMPORT", (shutil.which("false") or "false",))
    checks = list(machine.backends(deep=True))
    assert {check.state for check in checks} == {"broken"}
    assert {check.state for check in machine.backends(deep=False)} == {"ok"}


@pytest.mark.parametrize(
    ("script", "state", "word"),
    [
        ("echo 'NVIDIA H100, 81559 MiB'", None, "1: NVIDIA H100, 81559 MiB"),
        ("exit 9", "warning", "nvidia-smi failed"),
        ("true", "ok", "none"),
    ],
)
def test_gpus_are_what_nvidia_smi_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, state: str | None, word: str
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    check = machine.gpus()
    assert word in check.detail
    assert state is None or check.state == state


def test_gpus_that_tensorflow_cpu_cannot_use_are_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA H100, 81559 MiB'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for package, state in (("tensorflow-cpu", "warning"), ("tensorflow", "ok")):
        monkeypatch.setattr(facts, "versions", lambda package=package: {package: "2.21.0"})
        assert machine.gpus().state == state
