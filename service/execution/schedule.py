"""Which trials a worker gets next: bookkeeping alone, without Ray, without a clock.

Trials wait by program, whichever study or repetition they belong to. A worker keeps to programs
that it has compiled, and compiles another one only where its trials would otherwise end later.
Long trials go first where the end is near enough for one of them to outlast the rest, and shares
shrink with the seconds that are left, so that no worker idles while another has many.
Nothing here changes a number: only who trains what, and when.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from service.contracts.strategy import program_key, width
from service.contracts.trial import TrialSpec
from service.execution.estimates import Estimates
from service.training.cache import PROGRAMS

AHEAD_SECONDS = 0.25
"""A worker gets more when less than this is left of what it has: it need not wait for the driver."""

SHARE_SECONDS = 2.0
"""The most that a worker is given at once, but for a single trial."""

URGENT_SHARE = 0.5
"""A trial is urgent that takes this share of what is left for each worker."""


WORTH = 0.5
"""A program is compiled once more where that saves this share of its compilation."""


@dataclass(frozen=True)
class Task:
    """A trial that waits or runs.

    Args:
        spec: what to train.
        attempt: which try this is, from 1.
        alone: whether it must not be trained together with others: one of its group lost a worker,
            and it is to be seen which.
    """

    spec: TrialSpec
    attempt: int = 1
    alone: bool = False


Parcel = tuple[Task, ...]
"""Tasks of one call: one, or some of one program that are trained together."""


@dataclass
class _Line:
    """The trials of one program that wait, the oldest first."""

    program: str
    tasks: deque[Task] = field(default_factory=deque)
    ages: deque[int] = field(default_factory=deque)

    @property
    def head(self) -> TrialSpec:
        return self.tasks[0].spec


@dataclass
class _Desk:
    """What one worker has compiled, the latest used last, and the seconds of each open parcel."""

    programs: OrderedDict[str, None] = field(default_factory=OrderedDict)
    open: deque[float] = field(default_factory=deque)

    @property
    def load(self) -> float:
        return sum(self.open)

    def use(self, program: str) -> None:
        self.programs[program] = None
        self.programs.move_to_end(program)
        if len(self.programs) > PROGRAMS:
            self.programs.popitem(last=False)


class Schedule:
    """The trials that wait and the workers that could have them.

    Args:
        estimates: how long trials take; it may learn meanwhile.
        slots: the most workers at once.
    """

    def __init__(self, estimates: Estimates, slots: int) -> None:
        self._estimates = estimates
        self._slots = slots
        self._lines: dict[str, _Line] = {}
        self._desks: dict[Hashable, _Desk] = {}
        self._later, self._sooner = count(), count(-1, -1)
        self.waiting = 0

    def submit(self, tasks: Iterable[Task]) -> None:
        """Tasks that wait from now on."""
        for task in tasks:
            line = self._line(task)
            line.tasks.append(task)
            line.ages.append(next(self._later))
            self.waiting += 1

    def put_back(self, tasks: Sequence[Task]) -> None:
        """Tasks that were given out and did not end: they come before all others, in their order."""
        for task in reversed(tasks):
            line = self._line(task)
            line.tasks.appendleft(task)
            line.ages.appendleft(next(self._sooner))
            self.waiting += 1

    def join(self, worker: Hashable) -> None:
        """A worker that has compiled nothing yet."""
        self._desks[worker] = _Desk()

    def leave(self, worker: Hashable) -> None:
        """The worker is gone, and with it what it had compiled."""
        self._desks.pop(worker, None)

    def ended(self, worker: Hashable) -> None:
        """The worker has ended its oldest parcel."""
        self._desks[worker].open.popleft()

    def takes(self, worker: Hashable, seconds: float) -> None:
        """The worker's oldest parcel has taken this long by now: as much again is expected."""
        open_ = self._desks[worker].open
        open_[0] = max(open_[0], seconds)

    def wants(self, worker: Hashable) -> bool:
        """Whether the worker has so little left that it should be given more."""
        return self._desks[worker].load < AHEAD_SECONDS

    def share(self, worker: Hashable) -> list[Parcel]:
        """What the worker gets now; nothing where others will do all that waits sooner."""
        line = self._best(worker)
        if line is None:
            return []
        desk = self._desks[worker]
        seconds = self._estimates.seconds(line.head, line.program)
        left = sum(self._seconds(one) for one in self._lines.values())
        limit = min(SHARE_SECONDS, left / (2 * self._slots))
        compilation = 0.0
        if line.program not in desk.programs:
            compilation = self._estimates.compilation(line.head)
        share: list[Parcel] = []
        taken = 0.0
        for parcel in self._parcels(line):
            took = seconds * len(parcel) + compilation
            compilation = 0.0
            desk.open.append(took)
            share.append(parcel)
            taken += took
            if taken + took > limit:
                break
        desk.use(line.program)
        return share

    def clear(self) -> None:
        """Nothing waits any more."""
        self._lines.clear()
        self.waiting = 0

    def _best(self, worker: Hashable) -> _Line | None:
        lines = [line for line in self._lines.values() if self._soonest_here(worker, line)]
        if not lines:
            return None
        waiting = sum(self._seconds(line) for line in self._lines.values())
        fair = (waiting + sum(desk.load for desk in self._desks.values())) / self._slots
        each = {line.program: self._estimates.seconds(line.head, line.program) for line in lines}
        longest = max(each.values())
        if longest >= URGENT_SHARE * fair:
            lines = [line for line in lines if each[line.program] >= longest / 2]
        held = self._desks[worker].programs
        return min(
            lines,
            key=lambda line: (
                line.program not in held,
                bool(self._holders(line)),
                -_together(line),
                line.ages[0],
            ),
        )

    def _soonest_here(self, worker: Hashable, line: _Line) -> bool:
        """Whether the line should not rather be left to workers that have its program."""
        holders = self._holders(line)
        if not holders or line.program in self._desks[worker].programs:
            return True
        compilation = self._estimates.compilation(line.head)
        here = compilation + self._estimates.seconds(line.head, line.program)
        there = (sum(desk.load for desk in holders) + self._seconds(line)) / len(holders)
        return here + WORTH * compilation < there

    def _holders(self, line: _Line) -> list[_Desk]:
        return [desk for desk in self._desks.values() if line.program in desk.programs]

    def _parcels(self, line: _Line) -> Iterator[Parcel]:
        """Take parcels out of a line, until it is empty."""
        while line.tasks:
            size = 1 if line.tasks[0].alone else width(line.head.strategy)
            parcel = [self._pop(line)]
            while line.tasks and len(parcel) < size and not line.tasks[0].alone:
                parcel.append(self._pop(line))
            if not line.tasks:
                del self._lines[line.program]
            yield tuple(parcel)

    def _pop(self, line: _Line) -> Task:
        line.ages.popleft()
        self.waiting -= 1
        return line.tasks.popleft()

    def _line(self, task: Task) -> _Line:
        program = program_key(task.spec)
        return self._lines.setdefault(program, _Line(program))

    def _seconds(self, line: _Line) -> float:
        return len(line.tasks) * self._estimates.seconds(line.head, line.program)


def _together(line: _Line) -> int:
    """How many trials would be trained together: full groups before small ones."""
    return min(len(line.tasks), width(line.head.strategy))
