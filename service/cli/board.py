"""How far a run has come, and how long it will still take."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from service.contracts.plan import PairPlan, Plan
from service.contracts.ports import Advance
from service.contracts.results import TrialResult
from service.contracts.trial import Stage, Status

ENOUGH = 3
"""Trainings that must have ended after the first ones before a time is told."""


@dataclass
class PairBoard:
    """One pair's part of a run.

    Args:
        pair: what is planned.
        best: by variant, the best validation score of a search so far.
        done: trainings finished, those found in the ledger included.
        troubled: trainings that ended neither ok nor pruned.
        repetitions: repetitions begun.
        timed, seconds: trainings that ended in this session, and what they took together.
    """

    pair: PairPlan
    best: dict[str, float] = field(default_factory=dict)
    done: int = 0
    troubled: int = 0
    repetitions: int = 0
    timed: int = 0
    seconds: float = 0.0

    def take(self, result: TrialResult) -> None:
        """Count one result."""
        self.done += 1
        self.troubled += result.status not in (Status.OK, Status.PRUNED)
        self.repetitions = max(self.repetitions, result.spec.repetition + 1)
        variant, score = result.spec.variant, result.score
        if result.spec.stage is Stage.SEARCH and result.ok and score is not None:
            known = self.best.get(variant)
            if known is None or self.pair.metric.gain(score, known) > 0:
                self.best[variant] = score


class Board:
    """Counts what a campaign reports.

    Args:
        plan: what is run.
        clock: seconds, monotonic.
    """

    def __init__(self, plan: Plan, clock: Callable[[], float] = time.monotonic) -> None:
        self.plan = plan
        self.pairs = {pair.name: PairBoard(pair) for pair in plan.pairs}
        self.done = 0
        self.planned = 0
        self.resumed = 0
        self._clock = clock
        self._begun = clock()
        self._first: float | None = None
        self._last = self._begun
        self._timed = 0
        self._seconds = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self._clock() - self._begun

    @property
    def troubled(self) -> int:
        """Trainings that ended neither ok nor pruned."""
        return sum(pair.troubled for pair in self.pairs.values())

    @property
    def look(self) -> int:
        """The look under way, from 1."""
        looks = self.plan.design.schedule
        repetitions = max(pair.repetitions for pair in self.pairs.values())
        return 1 + sum(look < repetitions for look in looks[:-1])

    def take(self, news: Advance) -> None:
        """Count what came in. What the ledger held already says nothing about this session's pace."""
        fresh = news.resumed == self.resumed
        self.done, self.planned, self.resumed = news.done, news.planned, news.resumed
        for result in news.latest:
            self.pairs[result.spec.pair].take(result)
        if fresh and news.latest:
            self._time(news.latest)

    def planned_of(self, name: str) -> int:
        """Trainings of one pair up to the look that it is at, at most."""
        return sum(self.plan.trainings_to(self.repetitions_of(name)).values())

    def repetitions_of(self, name: str) -> int:
        """Repetitions of one pair up to the look that it is at, at most."""
        looks = self.plan.design.schedule
        begun = self.pairs[name].repetitions
        return next((look for look in looks if look >= begun), looks[-1])

    def remaining_seconds(self) -> float | None:
        """Estimate the time to the end of this look, or None while too little is known.

        Each pair's trainings count with what its own took on average, so that a cheap pair that is
        done says nothing about a dear one; the pace is what was trained a second since the first
        result, so that starting up does not count.
        """
        if self._first is None or self._timed < ENOUGH or self._last <= self._first:
            return None
        known = [pair for pair in self.pairs.values() if pair.timed]
        overall = sum(pair.seconds for pair in known) / sum(pair.timed for pair in known)
        left = self.planned - self.done
        work = 0.0
        for name, pair in self.pairs.items():
            count = min(left, max(0, self.planned_of(name) - pair.done))
            left -= count
            work += count * (pair.seconds / pair.timed if pair.timed else overall)
        work += left * overall  # a next look has begun, but none of its results came in
        pace = self._seconds / (self._last - self._first)
        if pace <= 0:
            return None
        return max(0.0, work / pace - (self._clock() - self._last))

    def _time(self, latest: tuple[TrialResult, ...]) -> None:
        now = self._clock()
        for result in latest:
            pair = self.pairs[result.spec.pair]
            pair.timed += 1
            pair.seconds += result.cost.total_seconds
        if self._first is None:
            self._first = now
        else:
            self._timed += len(latest)
            self._seconds += sum(result.cost.total_seconds for result in latest)
        self._last = now
