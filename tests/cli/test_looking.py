"""Commands that only look: what they print for people and for programs, and what they advise."""

from __future__ import annotations

import json
import os
import pty
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from service.app import library, planning
from service.app.home import Home
from service.contracts.plan import Plan
from service.contracts.results import Outcome, TrialResult
from service.contracts.trial import Seeds, Stage, Status, TrialSpec
from service.stores.ledger import LedgerStore
from tests.cli.cli_calls import PROGRAM, Invoke, shell


def widest(text: str) -> int:
    return max(len(line) for line in text.splitlines())


def test_pairs_are_listed_with_what_they_compare(invoke: Invoke) -> None:
    done = invoke("pairs")
    assert done.exit_code == 0
    for word in ("iris", "mnist", "accuracy", "each compares sequential against functional"):
        assert word in done.stdout
    assert widest(done.stdout) <= 80
    assert "archduel pairs show" in done.stderr


def test_pairs_that_compare_something_else_say_what(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    iris = library.pair("iris")
    first, second = iris.pair.variants
    renamed = replace(iris.pair, name="odd", variants=(first, replace(second, name="wide")))
    odd = replace(iris, pair=renamed)
    monkeypatch.setattr(library, "pairs", lambda: [iris, odd])
    rows = invoke("pairs").stdout.splitlines()
    assert rows[0].split() == ["name", "title", "metric", "variants"]
    assert any("odd" in row and "sequential," in row for row in rows)
    assert any("wide" in row for row in rows)


def test_pairs_as_json_name_files_that_are_there(invoke: Invoke) -> None:
    found = {pair["name"]: pair for pair in json.loads(invoke("pairs", "--json").stdout)}
    assert {"iris", "mnist"} <= set(found)
    assert Path(found["iris"]["file"]).name == "iris.py"
    assert Path(found["iris"]["file"]).is_file()
    assert found["iris"]["metric"] == {
        "name": "accuracy", "direction": "maximize", "unit": "fraction",
    }  # fmt: skip


def test_a_pair_is_told_in_full(invoke: Invoke) -> None:
    pair = library.pair("iris").pair
    done = invoke("pairs", "show", "iris")
    text = " ".join(done.stdout.split())
    assert pair.capacity is not None
    assert pair.published is not None
    for word in (
        pair.title, pair.question, pair.sources[0].name, pair.sources[0].licence,
        pair.baseline.name, pair.why_not_sequential, pair.published.source,
        f"{pair.capacity.budget:,} parameters each", *pair.shared_space,
    ):  # fmt: skip
        assert " ".join(str(word).split()) in text
    assert "higher accuracy is better; it matters from" in text
    assert "experiments/pairs/iris.py" in done.stdout
    assert widest(done.stdout.partition("\nfile ")[0]) <= 80
    assert "archduel plan configs/iris.yaml" in done.stderr


def test_a_pair_of_ones_own_can_be_shown_from_its_file(invoke: Invoke, tmp_path: Path) -> None:
    source = Path(json.loads(invoke("pairs", "show", "iris", "--json").stdout)["file"])
    own = tmp_path / "mine.py"
    own.write_text(source.read_text().replace('name="iris"', 'name="mine"'))
    found = json.loads(invoke("pairs", "show", f"{own}:PAIR", "--json").stdout)
    assert (found["name"], found["file"]) == ("mine", str(own))


def test_an_unknown_pair_names_the_nearest(invoke: Invoke) -> None:
    done = invoke("pairs", "show", "irsi")
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr == "error: unknown pair 'irsi'; did you mean 'iris'?\n"


def test_a_plan_tells_cost_and_claims(invoke: Invoke, config: Path) -> None:
    done = invoke("plan", config, "--set", "design.repetitions=[6, 12]", "--set", "search.trials=3")
    assert done.exit_code == 0
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["search", "72"] in [row[:2] for row in rows]  # 12 x 2 x 3
    assert ["retrain", "24"] in [row[:2] for row in rows]
    assert ["control", "12"] in [row[:2] for row in rows]
    assert ["in", "all", "108"] in [row[:3] for row in rows]
    assert ["1", "6", "54", "0.00517", "0.0312"] in rows  # 2 of the 2^6 sign patterns
    assert ["2", "12", "108", "0.048", "0.000488"] in rows
    assert "2 looks share the error rate" in " ".join(done.stdout.split())
    assert widest(done.stdout) <= 80


def test_a_plan_advises_the_run_that_does_just_that(invoke: Invoke, config: Path) -> None:
    done = invoke("plan", config, "--set", "design.repetitions=[6, 12]")
    assert f"archduel run {config} --set 'design.repetitions=[6, 12]'" in done.stderr


def test_a_plan_as_json_holds_the_whole_plan(invoke: Invoke, config: Path) -> None:
    two = ("--set", "design.repetitions=2")
    found = json.loads(invoke("plan", config, *two, "--noise", "0.01", "--json").stdout)
    assert found["trainings"] == {"search": 4, "retrain": 4, "control": 2}
    assert found["total_trainings"] == 10
    assert found["plan"]["pairs"][0]["name"] == "iris"
    assert (found["minimum_p"], found["levels"]) == ([0.5], [0.05])
    assert found["reaches"]["iris"]["noise"] == {"sd": 0.01, "source": "as given"}


def test_a_plan_tells_what_it_would_find(invoke: Invoke, config: Path) -> None:
    six = ("--set", "design.repetitions=6", "--set", "design.margin=0.01")
    text = " ".join(invoke("plan", config, *six).stdout.split())
    assert "The noise is not known: --noise SD guesses it" in text
    done = invoke("plan", config, *six, "--noise", "0.02")
    rows = [line.split() for line in done.stdout.splitlines()]
    # G*Power, paired t, two-sided .05, power .8: n = 6 finds 1.44 sd, and .5 sd takes 34.
    row = ["iris", "2", "points", "from", "2.9", "points", "34", "repetitions"]
    assert row in rows
    assert widest(done.stdout) <= 80


def test_a_plan_takes_the_noise_of_an_earlier_run(invoke: Invoke, config: Path) -> None:
    plan = planning.load(config, ["design.repetitions=2"]).plan.with_data({"iris": "d"})
    home = Home.open()
    ledger = LedgerStore(home.ledger_url, home.path).open_experiment(plan, {})
    assert "not known" in invoke("plan", config, "--set", "design.repetitions=6").stdout
    ledger.record(
        [
            Outcome(result(plan, variant, stage, index, score))
            for index, (first, second) in enumerate(((0.9, 0.9), (0.9, 0.92)))
            for variant, score in (("sequential", first), ("functional", second))
            for stage in (Stage.SEARCH, Stage.RETRAIN)
        ]
    )
    text = invoke("plan", config, "--set", "design.repetitions=6").stdout
    # sd .01414, and the upper 80% limit of one degree of freedom is 3.95 times that
    assert "5.6 points" in text
    assert "noise: upper 80% limit from 2 repetitions of 'tiny'" in text


def result(plan: Plan, variant: str, stage: Stage, index: int, score: float) -> TrialResult:
    spec = TrialSpec(
        pair="iris", code=plan.pairs[0].code, data="d", variant=variant, stage=stage,
        repetition=index, number=0, hyperparameters={}, budget=None, epochs=1,
        seeds=Seeds(split=index, weights=1, order=1), runtime=plan.runtime,
    )  # fmt: skip
    return TrialResult(spec=spec, status=Status.OK, score=score, test_score=score, epochs=1)


def test_a_design_that_can_never_decide_is_refused(invoke: Invoke, config: Path) -> None:
    for words in ((), ("--json",)):
        done = invoke("plan", config, *words)
        assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert done.stderr.startswith(f"error: {config}:4: design.repetitions")
        assert "confidence 0.95 can never be reached" in done.stderr
        assert "2 is the nearest that can" in done.stderr
    assert invoke("plan", config, "--set", "design.repetitions=[1, 2]").exit_code == 0


@pytest.mark.parametrize("noise", ["0", "-1", "nan"])
def test_a_noise_must_be_above_0(invoke: Invoke, config: Path, noise: str) -> None:
    done = invoke("plan", config, "--set", "design.repetitions=6", "--noise", noise)
    assert done.exit_code == 2
    assert "--noise: must be above 0" in done.stderr


def test_one_noise_cannot_serve_two_units(invoke: Invoke, config: Path) -> None:
    two = ("--set", "pairs=[iris, regression]", "--set", "design.repetitions=6")
    done = invoke("plan", config, *two, "--noise", "0.1")
    assert done.exit_code == 2
    assert "metrics of different units: fraction (iris)" in done.stderr


def test_a_plan_names_the_tracking_server(invoke: Invoke, config: Path) -> None:
    address = "https://mlflow.example:5000"
    two = ("--set", "design.repetitions=2")
    assert address in invoke("plan", config, *two, "--set", f"tracking.mlflow={address}").stdout
    assert "MLflow's store in the home folder" in invoke("plan", config, *two).stdout


def test_a_calibrated_plan_tells_how_long_it_takes(invoke: Invoke, config: Path) -> None:
    done = invoke("plan", config, "--set", "design.repetitions=6", "--calibrate", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["calibration"]["pairs"]["iris"]
    assert found["strategy"] == "graph"
    assert [timing["variant"] for timing in found["timings"]] == ["sequential", "functional"]
    assert all(timing["error"] is None for timing in found["timings"])
    assert all(0 < t["epoch_seconds"] < t["compile_seconds"] for t in found["timings"])
    assert found["seconds"] > 0
    told = invoke("plan", config, "--set", "design.repetitions=6", "--calibrate")
    assert "at once on this machine" in told.stdout
    assert "measuring iris (1 of 1)" in told.stderr


def test_a_plan_leaves_nothing_behind(invoke: Invoke, config: Path, tmp_path: Path) -> None:
    assert invoke("plan", config, "--set", "design.repetitions=2").exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny.yaml"]


def test_a_mistake_in_a_config_names_its_line(invoke: Invoke, config: Path) -> None:
    config.write_text(config.read_text().replace("pairs: [iris]", "pairs: [irsi]"))
    done = invoke("plan", config)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"error: {config}:2: pairs[0]: ")
    assert "did you mean 'iris'?" in done.stderr
    assert done.stderr.count("\n") == 1


def test_where_nothing_was_run_one_is_told_how_to_start(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("runs")
    assert done.exit_code == 0
    assert f"nothing was run yet in {tmp_path / 'home'}" in done.stdout
    assert "archduel run configs/iris.yaml" in done.stderr
    assert json.loads(invoke("runs", "--json").stdout) == []
    for command in ("report", "sync"):
        done = invoke(command)
        assert done.exit_code == 2
        assert done.stderr.startswith("error: nothing was run yet in ")
    assert not (tmp_path / "home" / "ledger.db").exists()


def test_looking_makes_no_folder(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library, "names", list)  # the doctor would load every pair's data
    typo = tmp_path / "typo"
    for words, code in ((("runs",), 0), (("report",), 2), (("doctor",), 0)):
        assert invoke(*words, "--home", typo).exit_code == code
        assert not typo.exists(), words
    typo.mkdir()
    invoke("doctor", "--home", typo)
    assert list(typo.iterdir()) == []


def test_pipes_and_no_color_get_no_colours(config: Path) -> None:
    done = shell("plan", config, "--set", "design.repetitions=2", NO_COLOR="1")
    assert done.returncode == 0
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_a_terminal_gets_colours_unless_it_asks_not_to(no_color: str, coloured: bool) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"}
    environment.pop("NO_COLOR", None)
    if no_color:
        environment["NO_COLOR"] = no_color
    with subprocess.Popen(
        [*PROGRAM, "pairs", "show", "iris"], stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        text = b""
        try:
            while piece := os.read(ours, 65536):
                text += piece
        except OSError:  # Linux says so when the other end is closed
            pass
    os.close(ours)
    assert process.returncode == 0
    assert b"accuracy" in text
    # Bold is left under NO_COLOR; colours are SGR 30 to 37 and 90 to 97.
    assert (b"\x1b[36m" in text) is coloured
