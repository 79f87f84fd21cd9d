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
from dataclasses import dataclass, field, replace
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
        excused: tries that ended with their node, of which it was known that it would go.
    """

    spec: TrialSpec
    attempt: int = 1
    alone: bool = False
    excused: int = 0

    @property
    def blamed(self) -> int:
        """How many tries were lost for which the trial itself may be to blame."""
        return self.attempt - 1 - self.excused

    def again(self, excused: bool = False, *, alone: bool = False) -> Task:
        """The next try, after one that was lost.

        Args:
            excused: whether that was its node's doing.
            alone: whether it must not be trained with others from now on.
        """
        return replace(
            self,
            attempt=self.attempt + 1,
            alone=self.alone or alone,
            excused=self.excused + excused,
        )


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
    load: float = 0.0


@dataclass
class _Holders:
    """The workers that have compiled a program: how many, and the seconds they have before them."""

    count: int = 0
    load: float = 0.0


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
        # Sums over all workers, kept: with a thousand of them, adding up for each share takes longer
        # than a short trial.
        self._load = 0.0
        self._holders: dict[str, _Holders] = {}
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
        desk = self._desks.pop(worker, None)
        if desk is not None:
            self._load -= desk.load
            for program in desk.programs:
                self._forget(program, desk)

    def ended(self, worker: Hashable) -> None:
        """The worker has ended its oldest parcel."""
        desk = self._desks[worker]
        desk.open.popleft()
        self._weigh(desk)

    def takes(self, worker: Hashable, seconds: float) -> None:
        """The worker's oldest parcel has taken this long by now: as much again is expected."""
        desk = self._desks[worker]
        if seconds > desk.open[0]:
            desk.open[0] = seconds
            self._weigh(desk)

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
        self._weigh(desk)
        self._use(line.program, desk)
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
        fair = (waiting + self._load) / self._slots
        each = {line.program: self._estimates.seconds(line.head, line.program) for line in lines}
        longest = max(each.values())
        if longest >= URGENT_SHARE * fair:
            lines = [line for line in lines if each[line.program] >= longest / 2]
        held = self._desks[worker].programs
        return min(
            lines,
            key=lambda line: (
                line.program not in held,
                line.program in self._holders,
                -_together(line),
                line.ages[0],
            ),
        )

    def _soonest_here(self, worker: Hashable, line: _Line) -> bool:
        """Whether the line should not rather be left to workers that have its program."""
        holders = self._holders.get(line.program)
        if holders is None or line.program in self._desks[worker].programs:
            return True
        compilation = self._estimates.compilation(line.head)
        here = compilation + self._estimates.seconds(line.head, line.program)
        there = (holders.load + self._seconds(line)) / holders.count
        return here + WORTH * compilation < there

    def _weigh(self, desk: _Desk) -> None:
        """What the worker has before it is another than it was."""
        load = sum(desk.open)
        more, desk.load = load - desk.load, load
        self._load += more
        for program in desk.programs:
            self._holders[program].load += more

    def _use(self, program: str, desk: _Desk) -> None:
        """The worker has compiled this program, or uses it again."""
        if program not in desk.programs:
            holders = self._holders.setdefault(program, _Holders())
            holders.count += 1
            holders.load += desk.load
        desk.programs[program] = None
        desk.programs.move_to_end(program)
        if len(desk.programs) > PROGRAMS:
            oldest, _ = desk.programs.popitem(last=False)
            self._forget(oldest, desk)

    def _forget(self, program: str, desk: _Desk) -> None:
        """The worker has this program no more."""
        holders = self._holders[program]
        holders.count -= 1
        holders.load -= desk.load
        if not holders.count:
            del self._holders[program]

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
