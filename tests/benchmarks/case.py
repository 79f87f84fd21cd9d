"""What a benchmark gives: rows of two sides and their ratio, and how to measure sides fairly."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Args:
        what: what was compared, or measured.
        found: the figure: a ratio, or a figure with a bound of its own.
        target: the bound, None where none was set.
        at_least: whether the figure must reach the bound; else it must not exceed it.
        unit: of the figure; "x" for a ratio.
        detail: the seconds behind it.
    """

    what: str
    found: float
    target: float | None
    detail: str
    at_least: bool = True
    unit: str = "x"

    @property
    def met(self) -> bool | None:
        """Whether the target was reached; None without one."""
        if self.target is None:
            return None
        return self.found >= self.target if self.at_least else self.found <= self.target


@dataclass(frozen=True)
class Skipped:
    """A case that could not be measured here, and why."""

    why: str


@dataclass(frozen=True)
class Size:
    """How much to measure.

    Args:
        rounds: how often the sides take turns.
        share: of the full work, where a case says it can be scaled.
    """

    rounds: int
    share: float

    def of(self, full: int, least: int) -> int:
        """This share of a full count, at least so many."""
        return max(least, round(full * self.share))


FULL = Size(rounds=5, share=1.0)
SMALL = Size(rounds=2, share=0.1)

Result = list[Row] | Skipped


def alternate(sides: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Measure the sides in turn (ABAB), so that a noisy minute hits all of them.

    Args:
        sides: by name, what does one round and returns its seconds.
        rounds: how often each is measured.

    Returns:
        By name, the median seconds.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            seconds[name].append(side())
    return {name: statistics.median(found) for name, found in seconds.items()}


def process(*command: str, environment: Mapping[str, str] | None = None) -> float:
    """Run a Python command as a process of its own, from nothing to its end.

    Returns:
        Seconds.

    Raises:
        RuntimeError: it failed; the end of what it wrote is told.
    """
    given = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "KERAS_BACKEND": "tensorflow",
        **(environment or {}),
    }
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=given, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return time.perf_counter() - started


def figure(value: float) -> str:
    """Three digits, or all before the point: 0.234, 47.5, 1,901."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def archduel_run(config: str, overrides: Sequence[str]) -> float:
    """`archduel run` as a process of its own, in a home folder of its own; its seconds."""
    command = "import sys; from service.cli import main; sys.exit(main())"
    settings = [word for override in overrides for word in ("--set", override)]
    with tempfile.TemporaryDirectory() as home:
        return process("-c", command, "run", config, "--home", home, *settings)


def against(what: str, ours: float, theirs: float, target: float | None, detail: str = "") -> Row:
    """How many times less ours took than theirs."""
    told = f"{figure(theirs)} s against {figure(ours)} s"
    return Row(what, theirs / ours, target, f"{told}{detail and ', '}{detail}")
