"""One real run, and what the other commands make of it."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from service.app import history
from service.app.home import Home
from service.stores.lock import hold
from tests.cli.cli_calls import Invoke, RealRun


def test_a_run_prints_one_json_document_and_nothing_else(real_run: RealRun) -> None:
    assert real_run.process.returncode == 0, real_run.process.stderr
    found = real_run.document
    assert found["key"] == "tiny"
    assert found["trainings"] == {"done": 5, "resumed": 0, "without_score": 0}
    assert found["verdicts"]["iris"]["decision"] == "inconclusive"
    assert found["verdicts"]["iris"]["sentence"].startswith("Inconclusive after 1 repetition")
    assert Path(found["report"]).read_text().lstrip().startswith("<!doctype html>")
    assert found["tracking"] == {"uri": Home(real_run.home).mlflow_uri, "behind": None}
    assert found["seconds"] > 0


def test_a_run_that_is_not_watched_logs_its_way(real_run: RealRun) -> None:
    log = real_run.process.stderr
    assert "experiment 'tiny': 1 pair, at most 5 trainings" in log
    assert "5 of 5 trainings (100%), all trained" in log
    assert "\x1b" not in log


def test_the_same_run_again_trains_nothing_and_tells_the_result(
    real_run: RealRun, invoke: Invoke
) -> None:
    done = invoke(*real_run.words, "--quiet")
    assert done.exit_code == 0, done.stderr
    assert "Inconclusive after 1 repetition" in done.stdout
    assert "for 0 trainings; 5 more were found in the ledger" in done.stdout
    assert str(real_run.home / "runs" / "tiny" / "report.html") in done.stdout
    assert max(len(line) for line in done.stdout.splitlines() if "report.html" not in line) <= 80
    assert done.stderr.split("\n")[1].startswith(f"next: archduel ui --home {real_run.home}")
    assert "trainings (" not in done.stderr  # --quiet


def test_a_changed_protocol_is_refused(real_run: RealRun, invoke: Invoke) -> None:
    done = invoke(*real_run.words, "--set", "search.epochs=2")
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].startswith("error: the protocol of experiment 'tiny'")
    assert "epochs 1 -> 2" in done.stderr


def test_runs_lists_it_with_its_verdict(real_run: RealRun, invoke: Invoke) -> None:
    done = invoke("runs", "--home", real_run.home)
    assert "tiny, iris: Inconclusive after 1 repetition" in done.stdout
    (row,) = json.loads(invoke("runs", "--home", real_run.home, "--json").stdout)
    assert (row["key"], row["state"], row["done"], row["planned"]) == ("tiny", "finished", 5, 5)


def test_a_report_goes_to_stdout_as_text_and_to_a_file_as_html(
    real_run: RealRun, invoke: Invoke, tmp_path: Path
) -> None:
    text = invoke("report", "tiny", "--format", "md", "--home", real_run.home)
    assert text.exit_code == 0
    assert text.stderr == ""
    assert "Inconclusive after 1 repetition" in text.stdout
    assert json.loads(invoke("report", "--format", "json", "--home", real_run.home).stdout)
    page = invoke("report", "--home", real_run.home)
    assert page.stdout == f"{real_run.home / 'runs' / 'tiny' / 'report.html'}\n"
    out = tmp_path / "sub.md"
    done = invoke("report", "--format", "md", "--out", out, "--home", real_run.home)
    assert done.stdout == f"{out}\n"
    assert out.read_text().strip() == text.stdout.strip()


@pytest.mark.parametrize("form", ["md", "html"])
def test_a_dash_is_stdout(
    real_run: RealRun,
    invoke: Invoke,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = invoke("report", "--format", form, "--out", "-", "--home", real_run.home)
    assert done.exit_code == 0
    assert "Inconclusive after 1 repetition" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_was_killed_is_shown_as_interrupted(
    real_run: RealRun, invoke: Invoke, tmp_path: Path
) -> None:
    home = tmp_path / "copy"
    shutil.copytree(real_run.home, home)
    history.experiment(Home(home)).set_state("running")  # as kill -9 leaves it
    assert [row.state for row in history.experiments(Home(home))] == ["interrupted"]
    assert "interrupted" in invoke("runs", "--home", home).stdout
    with hold(home, "tiny"):
        assert [row.state for row in history.experiments(Home(home))] == ["running"]


def test_a_run_that_ends_while_one_looks_was_not_killed(
    real_run: RealRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "copy"
    shutil.copytree(real_run.home, home)
    ledger = history.experiment(Home(home))
    ledger.set_state("running")

    def end(folder: Path, key: str) -> bool:
        ledger.set_state("finished")
        return False

    monkeypatch.setattr(history, "is_held", end)
    assert [row.state for row in history.experiments(Home(home))] == ["finished"]


def test_a_report_that_cannot_be_written_is_a_mistake(real_run: RealRun, invoke: Invoke) -> None:
    out = real_run.home / "ledger.db" / "report.html"
    done = invoke("report", "--out", out, "--home", real_run.home)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: --out: the report cannot be written there: ")


def test_a_run_that_is_not_there_names_the_nearest(real_run: RealRun, invoke: Invoke) -> None:
    done = invoke("report", "tinny", "--home", real_run.home)
    assert done.exit_code == 2
    assert "did you mean 'tiny'?" in done.stderr


def test_sync_finds_all_of_it_in_mlflow(real_run: RealRun, invoke: Invoke) -> None:
    done = invoke("sync", "--home", real_run.home, "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout) == {"tiny": {"behind": None}}


def test_looking_at_the_latest_run_needs_no_name(real_run: RealRun) -> None:
    assert history.experiment(Home(real_run.home)).key == "tiny"


def test_its_reports_are_verified_and_a_changed_digit_is_told(
    real_run: RealRun, invoke: Invoke, tmp_path: Path
) -> None:
    fresh = invoke("report", "tiny", "--verify", "--home", real_run.home)
    assert fresh.exit_code == 0, fresh.stderr
    assert "report.html" in fresh.stdout
    assert "report.json" in fresh.stdout
    text = (real_run.home / "runs" / "tiny" / "report.html").read_text(encoding="utf-8")
    number = re.search(r'data-rows="[^"]*">(\d+\.\d+) %<', text)
    assert number is not None
    page = tmp_path / "page.html"
    page.write_text(f"{text[: number.start(1)]}12.3{text[number.end(1) :]}", encoding="utf-8")
    changed = invoke("report", page, "--verify")
    assert changed.exit_code == 1
    assert changed.stderr.count("\n") == 1
    assert f"printed '12.3 %', recomputed '{number[1]} %'" in changed.stderr
    other = invoke("report", "nowhere", "--verify", "--home", real_run.home)
    assert other.exit_code == 2


def test_it_is_compared_and_held_against_a_requirement(real_run: RealRun, invoke: Invoke) -> None:
    same = invoke("compare", "tiny", "tiny", "--home", real_run.home)
    assert same.exit_code == 0
    assert "What differs: nothing" in same.stdout
    unknown = invoke("check", "tiny", "--require", "functional >= sequential by -1", "--json",
                     "--home", real_run.home)  # fmt: skip
    assert unknown.exit_code == 1  # one repetition has no interval
    assert json.loads(unknown.stdout)["iris"]["met"] is False
    wrong = invoke("check", "tiny", "--require", "functional", "--home", real_run.home)
    assert wrong.exit_code == 2
    assert "write VARIANT >= VARIANT by AMOUNT" in wrong.stderr
