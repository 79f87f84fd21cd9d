"""Whatever goes wrong is one line and an exit code."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from service.app import history, library, running
from service.app.stopping import Interrupted
from service.contracts.errors import ArchduelError
from service.contracts.ports import Advance, Progress
from tests.cli.cli_calls import PROGRAM, Invoke, shell


def fail_with(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(library, "pairs", fail)


def test_what_archduel_could_not_do_is_one_line_and_exit_code_1(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_with(ArchduelError("the disk is full;\n free some space"), monkeypatch)
    done = invoke("pairs")
    assert done.exit_code == 1
    assert done.stderr == "error: the disk is full; free some space\n"


def test_an_unexpected_error_keeps_its_traceback_in_the_home_folder(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fail_with(KeyError("surprise"), monkeypatch)
    (tmp_path / "home").mkdir()
    done = invoke("pairs")
    assert done.exit_code == 1
    (file,) = (tmp_path / "home" / "errors").iterdir()
    assert done.stderr == (
        f"error: KeyError: 'surprise' (unexpected; the traceback is in {file})\n"
    )
    assert "Traceback (most recent call last)" in file.read_text()
    assert "in fail" in file.read_text()


def test_the_traceback_goes_to_the_home_folder_that_was_given(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*given: object) -> None:
        raise RuntimeError("surprise")

    monkeypatch.setattr(history, "experiments", fail)
    (tmp_path / "other").mkdir()
    assert invoke("runs", "--home", tmp_path / "other").exit_code == 1
    assert len(list((tmp_path / "other" / "errors").iterdir())) == 1
    assert not (tmp_path / "home").exists()


def test_the_traceback_is_kept_elsewhere_when_the_home_folder_is_none(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fail_with(RuntimeError("surprise"), monkeypatch)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "home").write_text("a file, not a folder")
    done = invoke("pairs")
    assert done.exit_code == 1
    (file,) = tmp_path.glob("archduel-*.txt")
    assert str(file) in done.stderr
    assert "RuntimeError: surprise" in file.read_text()


def test_debug_prints_the_traceback(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fail_with(RuntimeError("surprise"), monkeypatch)
    monkeypatch.setenv("ARCHDUEL_DEBUG", "1")
    done = invoke("pairs")
    assert done.exit_code == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert done.stderr.endswith("error: RuntimeError: surprise\n")
    assert not (tmp_path / "home").exists()


def test_ctrl_c_is_exit_code_130(invoke: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(KeyboardInterrupt(), monkeypatch)
    done = invoke("pairs")
    assert done.exit_code == 130
    assert done.stderr == "stopped: nothing was left running\n"


@pytest.mark.parametrize(
    ("stop", "code"),
    [
        (Interrupted("SIGTERM"), 143),
        (Interrupted("SIGINT"), 130),
        (KeyboardInterrupt(), 130),
    ],
)
def test_a_stopped_run_tells_what_was_kept(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, config: Path, stop: BaseException, code: int
) -> None:
    def run(planned: object, home: object, progress: Progress, **options: object) -> None:
        progress.advance(Advance(done=3, planned=5, resumed=3, training_seconds=0.0))
        raise stop

    monkeypatch.setattr(running, "run", run)
    done = invoke("run", config, "--quiet")
    assert done.exit_code == code
    assert done.stdout == ""
    assert done.stderr == (
        "stopped: 3 of 5 trainings are recorded; the same command goes on from here\n"
    )


def test_a_home_that_is_mistyped_keeps_no_traceback(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fail_with(RuntimeError("surprise"), monkeypatch)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert invoke("pairs").exit_code == 1
    assert not (tmp_path / "home").exists()
    assert len(list(tmp_path.glob("archduel-*.txt"))) == 1


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that root cannot write")
@pytest.mark.parametrize("home", ["/proc", "/proc/archduel"])
def test_a_home_that_cannot_be_written_is_a_mistake(
    invoke: Invoke, config: Path, home: str
) -> None:
    done = invoke("run", config, "--home", home, "--executor", "inline", "--quiet")
    assert done.exit_code == 2
    assert done.stderr.startswith("error: --home: the home folder cannot be ")
    assert done.stderr.count("\n") == 1


def test_an_unknown_command_names_the_nearest(invoke: Invoke) -> None:
    done = invoke("rnu")
    assert done.exit_code == 2
    assert "Did you mean" in done.stderr
    assert "run" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("run",),
        ("run", "x.yaml", "--executor", "dask"),
        ("ui", "--port", "0"),
        ("report", "--format", "pdf"),
        ("--nonsense",),
    ],
)
def test_wrong_usage_is_exit_code_2(invoke: Invoke, words: tuple[str, ...]) -> None:
    done = invoke(*words)
    assert done.exit_code == 2
    assert done.stdout == ""


def test_an_address_without_ray_is_refused(invoke: Invoke, config: Path) -> None:
    done = invoke("run", config, "--executor", "inline", "--address", "auto")
    assert done.exit_code == 2
    assert done.stderr == "error: --address: must go with --executor ray, but got 'auto'\n"


@pytest.mark.parametrize(
    ("address", "rule"),
    [
        ("localhost", "must be auto, ray://host:10001 or host:6379"),
        ("http://localhost:1", "must be auto, ray://host:10001 or host:6379"),
        ("localhost:65536", "must be auto, ray://host:10001 or host:6379"),
        ("127.0.0.1:{free}", "nothing answers there"),
        ("ray://127.0.0.1:{free}", "nothing answers there"),
        ("no-such-host.invalid:6379", "nothing answers there"),
    ],
)
def test_a_cluster_that_does_not_answer_is_told_at_once(
    invoke: Invoke, config: Path, address: str, rule: str
) -> None:
    with socket.socket() as probe:  # bound but not listening: it is nobody's
        probe.bind(("127.0.0.1", 0))
        given = address.format(free=probe.getsockname()[1])
        done = invoke("run", config, "--address", given, "--quiet")
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: --address: {rule}")
    assert repr(given) in done.stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    with subprocess.Popen(
        [*PROGRAM, "pairs", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()


def test_errors_of_a_shell_are_plain(tmp_path: Path) -> None:
    done = shell("plan", tmp_path / "none.yaml")
    assert done.returncode == 2
    assert done.stderr == f"error: {tmp_path / 'none.yaml'}: no such file\n"
