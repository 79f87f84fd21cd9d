"""What a run shows while it goes on; all of it is on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable
from threading import Lock
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from service.cli.board import Board, PairBoard
from service.cli.screen import duration, errors, measure, plural
from service.contracts.ports import Advance

QUIET_SECONDS = 15.0
"""The longest that a log stays silent while results come in."""


class Silent:
    """Counts and says nothing; the base of the others. Implements `contracts.ports.Progress`.

    Args:
        board: what counts.
    """

    def __init__(self, board: Board) -> None:
        self.board = board

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None

    def advance(self, news: Advance) -> None:
        """Count what came in."""
        self.board.take(news)

    def say(self, text: str) -> None:
        """Nothing."""


class Log(Silent):
    """Plain lines, for files and pipes: one every tenth of the way, or every few seconds.

    Args:
        board: what counts.
        write: takes a line.
    """

    def __init__(self, board: Board, write: Callable[[str], None] | None = None) -> None:
        super().__init__(board)
        self._write = write or _to_stderr
        self._told = (0.0, 0.0)  # when, and which share was done

    def advance(self, news: Advance) -> None:
        """Count what came in, and tell it if it is time to."""
        super().advance(news)
        board, (when, share) = self.board, self._told
        if not board.planned or not (news.latest or news.done == 0):
            return
        now = board.done / board.planned
        due = now >= share + 0.1 or board.elapsed >= when + QUIET_SECONDS
        if due or board.done == board.planned or not when:
            self._told = (board.elapsed, now)
            self.say(_line(board))

    def say(self, text: str) -> None:
        """Write a line with the time since the start."""
        self._write(f"[{_clock(self.board.elapsed)}] {text}")


class Display(Silent):
    """A live view for a terminal: one line a pair, and how long it will take.

    Args:
        board: what counts.
        console: where to draw.
    """

    def __init__(self, board: Board, console: Console | None = None) -> None:
        super().__init__(board)
        self._lock = Lock()
        # stdout stays what it is: results go there, and they may be read by a program.
        self._live = Live(
            console=console or errors(),
            get_renderable=self._draw,
            refresh_per_second=4,
            redirect_stdout=False,
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def advance(self, news: Advance) -> None:
        """Count what came in; the view draws itself anew a few times a second."""
        with self._lock:
            super().advance(news)

    def say(self, text: str) -> None:
        """Write a line above the view."""
        self._live.console.print(Text(text, style="dim"))

    def _draw(self) -> RenderableType:
        with self._lock:
            return draw(self.board)


def draw(board: Board) -> RenderableType:
    """The view: pairs with their bars and best validation scores, and a line about the whole."""
    grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
    grid.add_column(max_width=18, no_wrap=True)
    grid.add_column(min_width=8, ratio=1)
    for _ in range(4):
        grid.add_column(justify="right", no_wrap=True)
    pairs = board.pairs.values()
    names = {pair.pair.variants for pair in pairs}
    shared = names.pop() if len(names) == 1 else None
    grid.add_row("best so far", "", "rep.", "", *(shared or ("", "")), style="dim")
    for pair in pairs:
        planned = board.planned_of(pair.pair.name)
        bar = ProgressBar(
            total=planned,
            completed=min(pair.done, planned),
            complete_style="cyan",
            finished_style="green",
        )
        scores = (_score(pair, variant, named=shared is None) for variant in pair.pair.variants)
        name = Text(pair.pair.name, style="bold")
        begun = f"{pair.repetitions}/{board.repetitions_of(pair.pair.name)}"
        grid.add_row(name, bar, begun, f"{pair.done:,}/{planned:,}", *scores)
    return Group(grid, Text(", ".join(_facts(board)), style="dim"))


def _score(pair: PairBoard, variant: str, *, named: bool) -> str:
    if variant not in pair.best:
        return "-"
    shown = measure(pair.best[variant], pair.pair.metric.unit)
    return f"{variant} {shown}" if named else shown


def _line(board: Board) -> str:
    share = f"{100 * board.done / board.planned:.0f}%"
    best = "; ".join(f"{name}: {_best(pair)}" for name, pair in board.pairs.items() if pair.best)
    told = [f"{board.done:,} of {plural(board.planned, 'training')} ({share})", *_facts(board)[1:]]
    return ", ".join(told) + (f"; best validation score so far: {best}" if best else "")


def _facts(board: Board) -> list[str]:
    facts = [f"{duration(board.elapsed)} gone", _left(board)]
    looks = board.plan.design.schedule
    if len(looks) > 1:
        facts.append(f"look {board.look} of {len(looks)}")
    if board.resumed:
        facts.append(f"{board.resumed:,} from the ledger")
    if board.troubled:
        facts.append(f"{board.troubled:,} without a score")
    return facts


def _left(board: Board) -> str:
    if board.planned and board.done >= board.planned:
        return "all trained"
    seconds = board.remaining_seconds()
    return "estimating the time left" if seconds is None else f"about {duration(seconds)} left"


def _best(pair: PairBoard) -> str:
    variants = [variant for variant in pair.pair.variants if variant in pair.best]
    return ", ".join(_score(pair, variant, named=True) for variant in variants)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes:3}:{rest:02}"


def _to_stderr(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
