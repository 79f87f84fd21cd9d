"""What the campaign asks of the world, so that it knows neither Ray, Optuna, Keras nor a database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from service.contracts.pair import Hyperparameters
from service.contracts.plan import RangePlan
from service.contracts.results import Outcome, TrialResult
from service.contracts.strategy import Timing
from service.contracts.trial import Status, TrialSpec


class Executor(Protocol):
    """Runs trials: `inline` in this process, `ray` on workers. It owns retries and timeouts."""

    @property
    def slots(self) -> int:
        """How many trials run at once."""
        ...

    def submit(self, batch: Sequence[TrialSpec]) -> None:
        """Take trials; which is run when, where and with which others changes no number."""
        ...

    def collect(self) -> list[Outcome]:
        """Wait until at least one submitted trial has ended, and return all that have.

        Every submitted trial comes back exactly once, with a status; an empty list means that
        nothing is outstanding. Who calls again has recorded what was returned before: its
        checkpoints are dropped.
        """
        ...

    def measure(self, specs: Sequence[TrialSpec]) -> list[Timing]:
        """Time trainings like these, one at a time on each worker, in their order.

        Called while nothing that was submitted is outstanding. A spec that cannot be measured has
        the reason in its timing.
        """
        ...

    def close(self) -> None:
        """Stop everything that was started."""
        ...


class Checkpoints(Protocol):
    """Where long trials leave how far they came: outside the worker, on the driver's disk."""

    @property
    def seconds(self) -> float:
        """How long a trial trains between two checkpoints."""
        ...

    def load(self, trial: str) -> bytes | None:
        """What `save` was given last for this trial id, or None.

        Raises:
            OSError: it cannot be told.
        """
        ...

    def save(self, trial: str, content: bytes) -> None:
        """Keep this in place of what was kept before.

        Raises:
            OSError: it cannot be kept; what was kept before is.
        """
        ...


class Ledger(Protocol):
    """The durable record of every trial result of one experiment."""

    def results(self) -> Mapping[str, TrialResult]:
        """All results recorded so far, by trial id."""
        ...

    def evidence(self, pair: str) -> Iterable[TrialResult]:
        """The results of one pair, those of searches without their curves.

        It is what a judgement needs; the curves are most of what a search leaves.
        """
        ...

    def record(self, outcomes: Sequence[Outcome]) -> None:
        """Make results durable before it returns; recording one again changes nothing."""
        ...


@dataclass(frozen=True)
class Told:
    """One finished trial of a study, as a sampler needs to know it.

    Args:
        hyperparameters: what was proposed.
        status: how it ended; anything but ok and pruned counts as a failure.
        score: the validation score, None for failures.
        curve: the validation score after each epoch.
    """

    hyperparameters: Hyperparameters
    status: Status
    score: float | None
    curve: tuple[float, ...] = ()


class Proposer(Protocol):
    """Proposes hyperparameters: a pure function of its arguments, so that a resume repeats it."""

    def __call__(
        self,
        space: Mapping[str, RangePlan],
        history: Sequence[Told],
        *,
        count: int,
        seed: int,
        sampler: str,
        direction: str,
    ) -> list[Hyperparameters]:
        """Propose `count` trials after `history`, told in its order."""
        ...


@dataclass(frozen=True)
class Advance:
    """How far a campaign has come; sent after every change.

    Args:
        done, planned: trainings finished (those found in the ledger included) and planned in all.
        resumed: trainings found in the ledger at the start.
        training_seconds: seconds spent in trials that this process saw end.
        latest: the results that came in now.
    """

    done: int
    planned: int
    resumed: int
    training_seconds: float
    latest: tuple[TrialResult, ...] = ()


class Progress(Protocol):
    """Hears how the campaign advances."""

    def advance(self, news: Advance) -> None:
        """Called from the campaign's own thread; it must not block."""
        ...

    def say(self, text: str) -> None:
        """A line for people: a lost worker, a look that was taken."""
        ...
