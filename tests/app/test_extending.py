"""`archduel extend`, over the real ledger and campaign, with trainings that take no time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from service.app import history, planning
from service.app.home import Home
from service.app.tracking import Tracking
from service.app.workers import Workers
from service.cli.application import app
from service.contracts.trial import Stage
from service.evidence import latest

CONFIG = """\
experiment: mine
pairs: [iris]
search: {trials: 2, epochs: 3, batch: 2, space: {batch_size: [16]}}
design: {repetitions: [3, 4], retrain: 1, margin: 0.001}
match: none
"""


class Silent:
    """An outbox that sends nothing."""

    uri = "nowhere"

    def nudge(self, done: int) -> None: ...

    def finish(self, files: Any) -> None: ...

    def abandon(self) -> None: ...


class Desk:
    """A home folder and a command line whose trainings are made up.

    Args:
        effect: how much better the challenger is.
        dies_after: trainings after which the executor is interrupted.
    """

    def __init__(self, folder: Path, world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = folder / "home"
        self.config = folder / "mine.yaml"
        self.config.write_text(CONFIG)
        self.effect = 0.0
        self.dies_after: int | None = None
        self.ran: list[str] = []

        def executor(*_: Any) -> Any:
            return world.Shuffled(
                run=lambda spec: world.outcome(spec, effect=self.effect),
                dies_after=self.dies_after,
                ran=self.ran,
            )

        monkeypatch.setattr(Workers, "begin", lambda *_: None)
        monkeypatch.setattr(Workers, "_pool", executor)
        monkeypatch.setattr(Tracking, "start", lambda *_: Silent())
        monkeypatch.chdir(folder)

    def __call__(self, *words: object) -> Result:
        told = [str(word) for word in (*words, "--home", self.home)]
        return CliRunner().invoke(app, told, prog_name="archduel")

    def run(self, *words: object) -> Result:
        return self("run", self.config, *words)

    @property
    def ledger(self) -> Any:
        return history.experiment(Home(self.home))


@pytest.fixture
def desk(tmp_path: Path, world: Any, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(tmp_path, world, monkeypatch)


def repetitions(desk: Desk) -> int:
    return len({result.spec.repetition for result in desk.ledger.results().values()})


def test_an_inconclusive_run_is_gone_on_with(desk: Desk) -> None:
    assert desk.run().exit_code == 0
    before = desk.ledger
    done = desk("extend", "mine", "--repetitions", 5, "--json")
    assert done.exit_code == 0, done.stderr
    assert "5 more repetitions for 1 of 1 pair" in done.stderr
    assert "the error rate of all looks goes from 5% to 7.5%, above the planned rate" in done.stderr
    found = json.loads(done.stdout)["verdicts"]["iris"]
    assert (found["n_planned"], found["look"], found["looks"]) == (9, 2, [3, 4, 9])
    assert found["alpha"] == pytest.approx(0.075)
    assert any("error rate of 5% became 7.5%" in warning for warning in found["warnings"])
    assert repetitions(desk) == 9
    after = desk.ledger
    assert after.plan.design.extensions == (5,)
    assert after.plan.protocol_hash == before.plan.protocol_hash
    assert (after.generation, len(after.sessions)) == (1, 2)
    (row,) = history.experiments(Home(desk.home))
    assert row.planned == row.done == 9 * 7


def test_run_and_report_know_of_it(desk: Desk) -> None:
    desk.run()
    desk("extend", "mine", "--repetitions", 5)
    ran = len(desk.ran)
    again = desk.run("--json")
    assert again.exit_code == 0, again.stderr
    assert json.loads(again.stdout)["verdicts"]["iris"]["n_planned"] == 9
    assert len(desk.ran) == ran
    assert desk.ledger.plan.design.extensions == (5,)
    text = desk("report", "mine", "--format", "md").stdout
    assert "9 repetitions, 5 of them an extension" in text
    assert "archduel extend mine --repetitions 5" in text
    assert "the plan's error rate of 5% became 7.5%" in text


def test_what_was_reserved_is_spent_first(desk: Desk) -> None:
    desk.run("--set", "design.reserve=0.5")
    done = desk("extend", "--repetitions", 5)
    assert "goes from 2.5% to 3.75%, within the planned rate" in done.stderr
    assert "stays within the planned 5%: 3.75%" in desk("report", "--format", "md").stdout


def test_the_same_command_goes_on_after_a_kill(desk: Desk) -> None:
    desk.run()
    begun = len(desk.ran)
    desk.dies_after = begun + 6
    assert desk("extend", "mine", "--repetitions", 5).exit_code == 130
    assert desk.ledger.plan.design.extensions == (5,)
    refused = desk("extend", "mine", "--repetitions", 7)
    assert refused.exit_code == 2
    assert "has looks to come (iris)" in refused.stderr
    desk.dies_after = None
    assert desk("extend", "mine", "--repetitions", 5).exit_code == 0
    assert desk.ledger.plan.design.extensions == (5,)
    assert len(desk.ran) == len(set(desk.ran)) == 9 * 7


def test_an_extension_may_follow_another(desk: Desk) -> None:
    desk.run()
    desk("extend", "mine", "--repetitions", 2)
    desk("extend", "mine", "--repetitions", 2)
    verdict = latest(
        desk.ledger.plan, desk.ledger.plan.pairs[0], desk.ledger.results().values()
    ).verdict
    assert verdict.looks == (3, 4, 6, 8)
    assert verdict.alpha == pytest.approx(0.0875)


def test_what_is_decided_is_not_extended(desk: Desk) -> None:
    desk.effect = 0.5
    desk.run()
    done = desk("extend", "mine", "--repetitions", 5)
    assert done.exit_code == 2
    assert "every verdict of experiment 'mine' is decided" in done.stderr
    assert desk.ledger.plan.design.extensions == ()


def test_what_is_under_way_is_not_extended(desk: Desk) -> None:
    desk.dies_after = 3
    assert desk.run().exit_code == 130
    done = desk("extend", "mine", "--repetitions", 5)
    assert done.exit_code == 2
    assert "archduel run CONFIG goes on with it" in done.stderr


@pytest.mark.parametrize("count", [1, 0, -3])
def test_one_repetition_is_too_few(desk: Desk, count: int) -> None:
    done = desk("extend", "mine", "--repetitions", count)
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert f"--repetitions: must be at least 2, but got {count}" in done.stderr


def test_the_extension_has_new_repetitions_of_the_same_protocol(desk: Desk) -> None:
    desk.run()
    desk("extend", "mine", "--repetitions", 3)
    plan = planning.load(desk.config).plan
    specs = [result.spec for result in desk.ledger.results().values()]
    splits = {spec.repetition: spec.seeds.split for spec in specs}
    assert len(set(splits.values())) == 7
    for index in range(7):
        mine = [s for s in specs if s.repetition == index and s.stage is Stage.SEARCH]
        assert len(mine) == 2 * plan.search.trials
