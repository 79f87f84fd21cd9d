"""What the display of a run counts and foretells."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from service.app import planning
from service.cli.board import Board
from service.cli.progress import Display, Log, Silent, draw
from service.contracts.plan import Plan
from service.contracts.ports import Advance
from service.contracts.results import Cost, TrialResult
from service.contracts.trial import Runtime, Seeds, Stage, Status, TrialSpec

CONFIG = """\
experiment: two
pairs: [iris, regression]
search: {trials: 3, epochs: 1, batch: 1}
design: {repetitions: [2, 4], retrain: 1}
"""
# A repetition of a pair: 2 x 3 trials, 2 x 1 winners, 1 control.
PER_REPETITION = 9


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Campaign:
    """Sends news as the real campaign does: what the ledger held first, then what comes in."""

    def __init__(self, progress: Silent, clock: Clock, planned: int) -> None:
        self.progress, self.clock, self.planned = progress, clock, planned
        self.done = self.resumed = 0

    def found(self, *results: TrialResult) -> None:
        self.done += len(results)
        self.resumed += len(results)
        self._send(results)

    def trained(self, after: float, *results: TrialResult) -> None:
        self.clock.now += after
        self.done += len(results)
        self._send(results)

    def _send(self, latest: tuple[TrialResult, ...]) -> None:
        self.progress.advance(Advance(self.done, self.planned, self.resumed, 0.0, latest))


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    path = tmp_path / "two.yaml"
    path.write_text(CONFIG)
    return planning.load(path).plan


@pytest.fixture
def clock() -> Clock:
    return Clock()


def result(
    pair: str = "iris",
    variant: str = "sequential",
    *,
    seconds: float = 1.0,
    score: float | None = 0.5,
    status: Status = Status.OK,
    stage: Stage = Stage.SEARCH,
    repetition: int = 0,
) -> TrialResult:
    spec = TrialSpec(
        pair=pair, code="", data="", variant=variant, stage=stage, repetition=repetition,
        number=0, hyperparameters={}, budget=None, epochs=1,
        seeds=Seeds(split=0, weights=0, order=0), runtime=Runtime(),
    )  # fmt: skip
    return TrialResult(spec=spec, status=status, score=score, cost=Cost(total_seconds=seconds))


def test_the_best_score_is_the_largest_or_the_smallest_as_the_metric_says(plan: Plan) -> None:
    board = Board(plan)
    for score in (0.7, 0.9, 0.8):
        board.pairs["iris"].take(result("iris", score=score))
        board.pairs["regression"].take(result("regression", score=100 * score))
    assert board.pairs["iris"].best == {"sequential": 0.9}
    assert board.pairs["regression"].best == {"sequential": 70.0}


def test_only_searches_that_ended_ok_count_for_the_best_score(plan: Plan) -> None:
    board = Board(plan)
    board.pairs["iris"].take(result(score=0.6))
    board.pairs["iris"].take(result(score=0.9, stage=Stage.RETRAIN))
    board.pairs["iris"].take(result(score=0.8, status=Status.PRUNED))
    board.pairs["iris"].take(result(score=None, status=Status.DIVERGED))
    assert board.pairs["iris"].best == {"sequential": 0.6}
    assert (board.pairs["iris"].done, board.troubled) == (4, 1)


def test_no_time_is_told_before_there_are_trainings_to_go_by(plan: Plan, clock: Clock) -> None:
    board = Board(plan, clock)
    campaign = Campaign(Silent(board), clock, planned=36)
    campaign.found(*[result(seconds=50.0)] * 9)
    assert board.remaining_seconds() is None
    campaign.trained(30.0, result())  # the first one has waited for everything to start
    campaign.trained(1.0, result())
    campaign.trained(1.0, result())
    assert board.remaining_seconds() is None
    campaign.trained(1.0, result())
    assert board.remaining_seconds() is not None


def test_the_time_left_follows_from_the_pace_since_the_first_result(
    plan: Plan, clock: Clock
) -> None:
    board = Board(plan, clock)
    campaign = Campaign(Silent(board), clock, planned=36)
    campaign.trained(60.0, result(seconds=40.0))
    for _ in range(5):
        campaign.trained(2.0, result(seconds=4.0), result(seconds=4.0))
    # Two workers: 8 training seconds in 2 s. 7 of iris and 18 of regression are left; nothing is
    # known of regression, so it counts as iris does: (40 + 10 x 4) / 11 s each.
    assert board.remaining_seconds() == pytest.approx((36 - 11) * (80 / 11) / 4)


def test_a_cheap_pair_says_nothing_about_a_dear_one(plan: Plan, clock: Clock) -> None:
    board = Board(plan, clock)
    campaign = Campaign(Silent(board), clock, planned=36)
    campaign.trained(5.0, result("regression", seconds=10.0))
    for _ in range(18):  # all of iris up to its look
        campaign.trained(1.0, result("iris", seconds=1.0, repetition=1))
    campaign.trained(10.0, result("regression", seconds=10.0))
    # One worker, 1 training second a second; 16 of regression are left, 10 s each.
    assert board.remaining_seconds() == pytest.approx(160.0)
    clock.now += 15.0
    assert board.remaining_seconds() == pytest.approx(145.0)
    clock.now += 1_000.0
    assert board.remaining_seconds() == 0.0


def test_what_the_ledger_held_is_done_but_says_nothing_about_the_pace(
    plan: Plan, clock: Clock
) -> None:
    board = Board(plan, clock)
    campaign = Campaign(Silent(board), clock, planned=36)
    campaign.found(*[result(seconds=1e6)] * 12)
    campaign.trained(3.0, result(seconds=2.0))
    for _ in range(4):
        campaign.trained(2.0, result(seconds=2.0))
    assert (board.done, board.resumed) == (17, 12)
    assert board.remaining_seconds() == pytest.approx((36 - 17) * 2.0)


def test_a_pair_is_planned_up_to_the_look_it_is_at(plan: Plan, clock: Clock) -> None:
    board = Board(plan, clock)
    campaign = Campaign(Silent(board), clock, planned=36)
    campaign.trained(1.0, result("iris", repetition=1), result("regression", repetition=1))
    assert board.planned_of("iris") == board.planned_of("regression") == 2 * PER_REPETITION
    assert board.look == 1
    # Iris is decided at the first look, regression goes on to the second one.
    campaign.planned += 2 * PER_REPETITION
    campaign.trained(1.0, result("regression", repetition=2))
    assert board.planned_of("iris") == 2 * PER_REPETITION
    assert board.planned_of("regression") == 4 * PER_REPETITION
    assert board.look == 2


def test_the_log_writes_a_line_every_tenth_of_the_way(plan: Plan, clock: Clock) -> None:
    lines: list[str] = []
    campaign = Campaign(Log(Board(plan, clock), lines.append), clock, planned=36)
    campaign.found()
    for _ in range(36):
        campaign.trained(0.1, result(score=0.9))
    assert 8 <= len(lines) <= 13
    assert "0 of 36 trainings (0%), estimating the time left" in lines[0]
    assert "36 of 36 trainings (100%), all trained" in lines[-1]
    assert "iris: sequential 90.0%" in lines[-1]


def test_the_log_is_not_silent_for_long_while_results_come_in(plan: Plan, clock: Clock) -> None:
    lines: list[str] = []
    campaign = Campaign(Log(Board(plan, clock), lines.append), clock, planned=36)
    for _ in range(4):
        campaign.trained(20.0, result())
    assert len(lines) == 4
    assert lines[-1].startswith("[  1:20] 4 of 36 trainings (11%)")


def test_the_view_fits_into_80_columns(plan: Plan, clock: Clock) -> None:
    board = Board(plan, clock)
    campaign = Campaign(Silent(board), clock, planned=36)
    campaign.found(result(), result())
    for variant in ("sequential", "functional"):
        campaign.trained(1.0, result("iris", variant), result("regression", variant, score=56.78))
    campaign.trained(1.0, result(score=None, status=Status.FAILED))
    console = Console(width=80, record=True, force_terminal=True, color_system=None)
    console.print(draw(board))
    text = console.export_text()
    lines = text.splitlines()
    assert max(len(line) for line in lines) <= 80
    assert "5/18" in text
    heads = ["best", "so", "far", "rep.", "sequential", "functional"]
    assert any(line.split() == heads for line in lines)
    assert "1/2" in text
    assert lines[2].split()[-5:] == ["2/18", "56.78", "points", "56.78", "points"]
    assert "look 1 of 2, 2 from the ledger, 1 without a score" in text


def test_the_display_draws_on_its_console_and_ends(plan: Plan, clock: Clock) -> None:
    console = Console(width=80, record=True, force_terminal=True, color_system=None)
    with Display(Board(plan, clock), console) as display:
        display.say("a worker was lost")
        Campaign(display, clock, planned=36).trained(1.0, result())
    text = console.export_text()
    assert "a worker was lost" in text
    assert "1/18" in text
