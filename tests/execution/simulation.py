"""Workers without processes: the schedule against planted durations, on a clock that is counted."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from service.contracts.results import Cost, TrialResult
from service.contracts.strategy import program_key
from service.contracts.trial import Status, TrialSpec
from service.execution.estimates import Estimates
from service.execution.schedule import Parcel, Schedule, Task

Seconds = Callable[[TrialSpec], float]


@dataclass
class Simulation:
    """What a run of some trials on some workers comes to.

    Args:
        workers: how many.
        train, compile: true seconds of a trial, and of a program's first trial on a worker.
        estimates: what the schedule believes; it learns from the results.

    Attributes:
        makespan: when the last trial ended.
        ended: each trial's id, and when it ended.
        compiled: how often a worker compiled a program.
        parcels: the sizes of all calls.
    """

    workers: int
    train: Seconds
    compile: Seconds
    estimates: Estimates = field(default_factory=Estimates)
    makespan: float = 0.0
    compiled: int = 0
    ended: dict[str, float] = field(default_factory=dict)
    parcels: list[int] = field(default_factory=list)

    def run(
        self,
        specs: Sequence[TrialSpec],
        following: Callable[[TrialSpec], Sequence[TrialSpec]] = lambda spec: (),
    ) -> Simulation:
        """Run all of them, and after each what follows it."""
        schedule = Schedule(self.estimates, self.workers)
        schedule.submit(map(Task, specs))
        open_: dict[int, deque[Parcel]] = {number: deque() for number in range(self.workers)}
        held: dict[int, set[str]] = {number: set() for number in range(self.workers)}
        events: list[tuple[float, int]] = []
        for number in open_:
            schedule.join(number)

        def begin(number: int, now: float) -> None:
            first = open_[number][0][0].spec
            took = sum(self.train(task.spec) for task in open_[number][0])
            if program_key(first) not in held[number]:
                took += self.compile(first)
            heapq.heappush(events, (now + took, number))

        def dispatch(now: float) -> None:
            for number, parcels in open_.items():
                if schedule.wants(number):
                    idle = not parcels
                    parcels.extend(schedule.share(number))
                    if idle and parcels:
                        begin(number, now)

        dispatch(0.0)
        while events:
            now, number = heapq.heappop(events)
            parcel = open_[number].popleft()
            schedule.ended(number)
            self.parcels.append(len(parcel))
            for task in parcel:
                new = program_key(task.spec) not in held[number]
                held[number].add(program_key(task.spec))
                self.compiled += new
                self._note(task.spec, now, new)
                schedule.submit(map(Task, following(task.spec)))
            if open_[number]:
                begin(number, now)
            dispatch(now)
        assert not schedule.waiting
        return self

    def _note(self, spec: TrialSpec, now: float, new: bool) -> None:
        assert spec.id not in self.ended, "a trial was given out twice"
        self.ended[spec.id] = self.makespan = now
        compile_seconds = self.compile(spec) if new else 0.0
        self.estimates.learn(
            TrialResult(
                spec=spec,
                status=Status.OK,
                epochs=spec.epochs,
                cost=Cost(
                    total_seconds=self.train(spec) + compile_seconds,
                    compile_seconds=compile_seconds,
                    reused_program=not new,
                ),
            )
        )

    def bound(self, specs: Sequence[TrialSpec]) -> float:
        """No schedule can end sooner: each program is compiled at least once."""
        programs = {program_key(spec): spec for spec in specs}
        work = sum(map(self.train, specs)) + sum(map(self.compile, programs.values()))
        longest = max(self.train(spec) + self.compile(spec) for spec in specs)
        return max(work / self.workers, longest)
