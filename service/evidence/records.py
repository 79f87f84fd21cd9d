"""What is known of one pair, as plain frozen records; missing values are None with a reason."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from service.contracts.pair import Scalar
from service.contracts.trial import Stage, Status


def plain(value: Any) -> Any:
    """Return a record as JSON-able values: dicts, lists, strings, numbers and None.

    Args:
        value: a record of this room, or anything made of such records.

    Returns:
        The same content without a class in it.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


@dataclass(frozen=True)
class Side:
    """One variant in one repetition.

    Attributes:
        variant: its name.
        winner: what the winning search trial was built with; None without a winner.
        winner_number: that trial's number within its search.
        validation: its validation score, in the metric's unit.
        scores: test scores of the retrained winners that ended ok, by number.
        n_planned: retrained winners planned.
        mean: mean of the scores, None unless every planned one is there.
        parameters: parameters of the retrained winners.
        missing: why there is no mean, in words.
        finished: whether nothing more of this side is to come.
    """

    variant: str
    winner: dict[str, Scalar] | None
    winner_number: int | None
    validation: float | None
    scores: tuple[float, ...]
    n_planned: int
    mean: float | None
    parameters: int | None
    missing: str | None
    finished: bool


@dataclass(frozen=True)
class Repetition:
    """One paired replicate: a new split, a search and retrained winners per variant.

    Attributes:
        index: which, from 0.
        reference, challenger: the two variants.
        difference: how much better the challenger's mean is, in the metric's unit.
        baseline: the trivial baseline on the same test split.
        control: whether the control ended with the weights of the reference's first retrained
            winner; None when that is not known.
        control_status: how the control's training ended; None when it was not run.
        missing: why there is no difference.
        noise: how much better than the reference its control got, tuned and trained apart.
    """

    index: int
    reference: Side
    challenger: Side
    difference: float | None
    baseline: float | None
    control: bool | None
    control_status: Status | None
    missing: str | None
    noise: float | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing more of this repetition is to come, the control aside."""
        return self.reference.finished and self.challenger.finished


@dataclass(frozen=True)
class Budget:
    """What one variant spent in one stage, trials that did not end ok included.

    Attributes:
        variant: the variant, or "control".
        stage: search, retrain or control.
        n_planned: trainings planned.
        counts: trainings recorded, by status.
        epochs: epochs trained in all.
        train_seconds, compile_seconds: summed over trainings.
        flops: training operations in all, three forward passes an example (the backward pass
            costs two; Kaplan et al. 2020, section 2.1); None when a training's are not known.
    """

    variant: str
    stage: Stage
    n_planned: int
    counts: dict[Status, int]
    epochs: int
    train_seconds: float
    compile_seconds: float
    flops: float | None

    @property
    def n_recorded(self) -> int:
        """Trainings recorded, however they ended."""
        return sum(self.counts.values())

    @property
    def n_ok(self) -> int:
        """Trainings that ended ok."""
        return self.counts.get(Status.OK, 0)

    @property
    def n_failed(self) -> int:
        """Trainings that ended neither ok nor pruned."""
        return self.n_recorded - self.n_ok - self.counts.get(Status.PRUNED, 0)


@dataclass(frozen=True)
class Cost:
    """One kind of cost: medians over retrained winners, and their ratio.

    Attributes:
        name: "parameters", "FLOPs", "training time", "latency" or "peak memory".
        unit: "", "s" or "B".
        reference, challenger: medians; None when no retrained winner has the figure.
        ratio: challenger / reference, None unless both are positive: of the medians where the
            figure follows from the plan, and where it was measured the geometric mean over
            repetitions of the ratio within each.
        interval: 95% interval of a measured ratio, None where it was not measured twice.
        n_ok: retrained winners with the figure, reference and challenger.
        n_planned: retrained winners planned per variant.
    """

    name: str
    unit: str
    reference: float | None
    challenger: float | None
    ratio: float | None
    interval: tuple[float, float] | None
    n_ok: tuple[int, int]
    n_planned: int


@dataclass(frozen=True)
class Trace:
    """A mean line over repetitions, with its spread.

    Attributes:
        variant: whose line it is.
        x: epoch or trial number, from 1.
        mean: mean at each x, in the line's own unit.
        sd: standard deviation at each x; None where fewer than two values exist.
        n_ok: values behind each x.
        n_planned: values planned at each x.
    """

    variant: str
    x: tuple[int, ...]
    mean: tuple[float, ...]
    sd: tuple[float | None, ...]
    n_ok: tuple[int, ...]
    n_planned: int


@dataclass(frozen=True)
class Failure:
    """A training that ended neither ok nor pruned, and why; pruning is the plan's own doing."""

    variant: str
    stage: Stage
    repetition: int
    number: int
    status: Status
    reason: str


@dataclass(frozen=True)
class Regime:
    """What the searches found under one kind of equal budget.

    Attributes:
        name: "equal trials", which is the protocol's own, "equal training time" or "equal FLOPs".
        unit: of the budget: "trials", "s" or "FLOPs".
        budget: median over searches of what each variant got.
        trials: mean number of trials that fitted into it, reference and challenger.
        difference: mean over searches of how much better the challenger's best validation score is,
            in the metric's unit; None where no search has both.
        interval: its 95% t interval, from 2 searches; it takes no account of looks.
        n_ok: searches that count.
        n_planned: searches planned.
        measured: whether the budget was measured with a clock.
    """

    name: str
    unit: str
    budget: float | None
    trials: tuple[float, float] | None
    difference: float | None
    interval: tuple[float, float] | None
    n_ok: int
    n_planned: int
    measured: bool


@dataclass(frozen=True)
class NoiseFloor:
    """What two equal models differ by: the control, tuned and trained apart, and the reference.

    Attributes:
        mean: mean difference over repetitions, in the metric's unit; positive where the control got
            better.
        sd: its standard deviation.
        interval: 95% interval of the mean; it takes no account of looks.
        n_ok: repetitions with a difference.
        n_planned: repetitions planned up to the look.
    """

    mean: float | None
    sd: float | None
    interval: tuple[float, float] | None
    n_ok: int
    n_planned: int


@dataclass(frozen=True)
class PairTally:
    """Everything the results say about one pair.

    Attributes:
        pair: the pair's name.
        variants: the reference's name and the challenger's.
        repetitions: one record per planned repetition, in order.
        budgets: spending by variant and stage.
        costs: cost figures of the retrained winners.
        validation_curves, loss_curves: per variant, the retrained winners' mean learning curve.
        search_curves: per variant, the mean best validation score after each search trial.
        failures: every training that ended neither ok nor pruned.
        regimes: what the searches found under other kinds of equal budget.
    """

    pair: str
    variants: tuple[str, str]
    repetitions: tuple[Repetition, ...]
    budgets: tuple[Budget, ...]
    costs: tuple[Cost, ...]
    validation_curves: tuple[Trace, Trace]
    loss_curves: tuple[Trace, Trace]
    search_curves: tuple[Trace, Trace]
    failures: tuple[Failure, ...]
    regimes: tuple[Regime, ...]

    @property
    def differences(self) -> tuple[float, ...]:
        """The paired differences that exist, in the order of the repetitions."""
        return tuple(r.difference for r in self.repetitions if r.difference is not None)

    @property
    def differing(self) -> tuple[int, ...]:
        """Which repetitions those are, in the same order."""
        return tuple(r.index for r in self.repetitions if r.difference is not None)

    @property
    def n_ok(self) -> int:
        """Repetitions with a difference."""
        return len(self.differences)

    @property
    def n_planned(self) -> int:
        """Repetitions planned up to this look."""
        return len(self.repetitions)

    @property
    def n_finished(self) -> int:
        """Repetitions that nothing more is to come of."""
        return sum(r.finished for r in self.repetitions)

    @property
    def under_way(self) -> bool:
        """Whether results of this look are still to come."""
        return self.n_finished < self.n_planned
