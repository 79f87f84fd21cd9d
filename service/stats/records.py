"""The records of a decision: the rule, the evidence it is applied to, the verdict."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate, pairwise
from typing import Any, Literal

from service.stats import extension, paired
from service.stats.paired import FloatArray, Interval

Direction = Literal["maximize", "minimize"]


class Decision(StrEnum):
    """What a look concludes."""

    INVALID = "invalid"
    IDENTICAL = "identical"
    EQUIVALENT = "equivalent"
    FUNCTIONAL_BETTER = "functional_better"
    SEQUENTIAL_BETTER = "sequential_better"
    TRADE_OFF = "trade_off"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Rule:
    """How an experiment decides; fixed before its first trial.

    Attributes:
        margin: smallest difference that matters, in the metric's unit; 0 turns equivalence off.
        looks: cumulative repetitions at each planned look.
        look: which look this is, counted from 0; those of extensions follow the planned ones.
        alpha: two-sided error rate that the plan may spend.
        tost_alpha: one-sided error rate that its equivalence tests may spend.
        cost_tolerance: a cost ratio within 1 + this (either way) counts as equal.
        measured_tolerance: the same for costs that a clock or a meter measured, which are noisy.
        max_missing: a larger part of repetitions without a result makes a look invalid.
        extensions: repetitions of each extension after the last planned look.
        reserve: the share of both error rates that the plan keeps for extensions.
    """

    margin: float
    looks: tuple[int, ...] = (10, 20, 30)
    look: int = 0
    alpha: float = 0.05
    tost_alpha: float = 0.05
    cost_tolerance: float = 0.05
    measured_tolerance: float = 0.2
    max_missing: float = 0.1
    extensions: tuple[int, ...] = ()
    reserve: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "looks", tuple(int(look) for look in self.looks))
        if not (math.isfinite(self.margin) and self.margin >= 0.0):
            raise ValueError(f"`margin >= 0` must hold, but got margin={self.margin}")
        object.__setattr__(self, "extensions", tuple(int(n) for n in self.extensions))
        if any(n < 2 for n in self.extensions):
            raise ValueError(f"an extension needs 2 repetitions, but got {list(self.extensions)}")
        self._levels(self.alpha, 2)
        self._levels(self.tost_alpha, 1)
        if not 0 <= self.look < len(self.schedule):
            raise ValueError(f"look must be in 0..{len(self.schedule) - 1}, but got {self.look}")
        for name in ("cost_tolerance", "measured_tolerance", "max_missing"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ValueError(f"`0 <= {name} < 1` must hold, but got {getattr(self, name)}")

    def _levels(self, alpha: float, sides: int) -> tuple[float, ...]:
        return extension.levels(self.looks, alpha, len(self.extensions), self.reserve, sides)

    @property
    def schedule(self) -> tuple[int, ...]:
        """Cumulative repetitions at each look, extensions included."""
        return (*self.looks[:-1], *accumulate(self.extensions, initial=self.looks[-1]))

    @property
    def extended(self) -> int:
        """How many extensions were made up to this look."""
        return max(0, self.look + 1 - len(self.looks))

    @property
    def look_alpha(self) -> float:
        """Nominal two-sided level of this look."""
        return self._levels(self.alpha, 2)[self.look]

    @property
    def look_tost_alpha(self) -> float:
        """Nominal one-sided level of the equivalence test at this look."""
        return self._levels(self.tost_alpha, 1)[self.look]

    @property
    def error_rate(self) -> float:
        """Two-sided error rate of all looks up to and with this one's stage."""
        return extension.error_rate(self.alpha, self.reserve, self.extended)

    @property
    def tost_error_rate(self) -> float:
        """One-sided error rate of the equivalence tests up to and with this one's stage."""
        return extension.error_rate(self.tost_alpha, self.reserve, self.extended)

    @property
    def last(self) -> bool:
        """Whether no look follows."""
        return self.look == len(self.schedule) - 1

    def at(self, look: int) -> Rule:
        """Return the same rule at another look."""
        return dataclasses.replace(self, look=look)


@dataclass(frozen=True)
class Evidence:
    """What a look sees.

    Attributes:
        differences: one per completed repetition, in the metric's unit, positive means
            functional better; repetitions without a result are absent.
        indices: which repetition each difference is of, increasing from 0; all in order where it
            is not given. It tells the planned part from its extensions.
        n_planned: repetitions planned so far, with or without a result. Below the look's own
            number the look is not reached, and nothing but invalidity is decided.
        reasons: why the comparison is invalid; empty when it is not.
        cost_ratios: name of a cost to functional / sequential, e.g. {"parameters": 1.3}.
        measured: those of them that a clock or a meter measured. They are told but decide nothing:
            the same trials must give the same decision on a busy machine.
        metric: name of the metric, e.g. "accuracy".
        unit: its unit; "fraction" is shown as points (x 100).
        direction: the metric's own direction, for readers: the differences are signed already.
    """

    differences: Sequence[float] | FloatArray
    n_planned: int
    reasons: tuple[str, ...] = ()
    cost_ratios: Mapping[str, float] = field(default_factory=dict)
    measured: tuple[str, ...] = ()
    metric: str = "metric"
    unit: str = ""
    direction: Direction = "maximize"
    indices: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        values = paired.checked(self.differences)
        object.__setattr__(self, "differences", tuple(values.tolist()))
        object.__setattr__(self, "reasons", tuple(self.reasons))
        object.__setattr__(self, "cost_ratios", dict(self.cost_ratios))
        if values.size > self.n_planned:
            raise ValueError(
                f"`n_ok <= n_planned` must hold, but got {values.size} of {self.n_planned}"
            )
        places = tuple(range(values.size)) if self.indices is None else tuple(self.indices)
        object.__setattr__(self, "indices", places)
        if len(places) != values.size or any(b <= a for a, b in pairwise((-1, *places))):
            raise ValueError(f"indices must increase, one a difference, but got {list(places)}")
        for name, ratio in self.cost_ratios.items():
            if not (math.isfinite(ratio) and ratio > 0.0):
                raise ValueError(f"cost_ratios[{name!r}] must be positive, but got {ratio}")


@dataclass(frozen=True)
class Verdict:
    """What a look concludes and the numbers behind it; None stands for "does not exist".

    Attributes:
        decision: the conclusion.
        final: whether the experiment stops at this look.
        n_ok: repetitions with a result.
        n_planned: repetitions planned so far.
        mean_difference: mean of the differences, in the metric's unit.
        sd: their standard deviation, in the metric's unit.
        interval: look-level interval of the mean (two-sided level `look_alpha`).
        p_value: two-sided paired t.
        sign_flip_p: exact two-sided sign-flip, from 6 repetitions.
        tost_interval: interval of the equivalence test (one-sided level `look_tost_alpha`).
        tost_p: p-value of the equivalence test.
        improvement: probability that functional is better in a repetition, ties half.
        improvement_interval: its interval at the two-sided level `look_alpha`.
        detectable: whether the interval excludes 0.
        practically: whether the better variant's interval also excludes the margin.
        consistently: whether the better variant wins with probability above .75.
        skewness: of the differences (bias-adjusted).
        skew_warning: whether |skewness| > 1, so that the t interval is to be doubted.
        more_repetitions: about how many more an inconclusive comparison needs.
        costlier_functional: costs on which functional is worse beyond the tolerance.
        costlier_sequential: costs on which sequential is worse beyond the tolerance.
        cost_ratios: functional / sequential, as given.
        reasons: why the comparison is invalid.
        look: which look, counted from 0.
        looks: cumulative repetitions of all looks, extensions included.
        margin: smallest difference that matters, in the metric's unit.
        alpha: two-sided error rate of all planned looks together, and of the extensions so far.
        tost_alpha: one-sided error rate of all equivalence tests together, likewise.
        look_alpha: nominal two-sided level of this look.
        look_tost_alpha: nominal one-sided level of this look's equivalence test.
        metric: name of the metric.
        unit: its unit.
        direction: its direction.
        fragile: whether a decision was withheld because the missing repetitions, had they been
            as extreme as the most extreme one at hand, would have changed it.
        extensions: repetitions of each extension up to this look.
        planned_alpha: the two-sided error rate that the experiment set out with.
    """

    decision: Decision
    final: bool
    n_ok: int
    n_planned: int
    mean_difference: float | None
    sd: float | None
    interval: Interval | None
    p_value: float | None
    sign_flip_p: float | None
    tost_interval: Interval | None
    tost_p: float | None
    improvement: float | None
    improvement_interval: Interval | None
    detectable: bool
    practically: bool
    consistently: bool
    skewness: float | None
    skew_warning: bool
    more_repetitions: int | None
    costlier_functional: tuple[str, ...]
    costlier_sequential: tuple[str, ...]
    cost_ratios: dict[str, float]
    reasons: tuple[str, ...]
    look: int
    looks: tuple[int, ...]
    margin: float
    alpha: float
    tost_alpha: float
    look_alpha: float
    look_tost_alpha: float
    metric: str
    unit: str
    direction: Direction
    fragile: bool = False
    extensions: tuple[int, ...] = ()
    planned_alpha: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON-able values: no NaN, no infinity, None where unknown."""
        plain = dataclasses.asdict(self)
        plain["decision"] = self.decision.value
        return {key: list(v) if isinstance(v, tuple) else v for key, v in plain.items()}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Verdict:
        """Return the verdict that `to_dict` described.

        Args:
            plain: what `to_dict` returned, perhaps after a trip through JSON.

        Returns:
            An equal verdict.

        Raises:
            ValueError: a key is missing or unknown.
        """
        names = {f.name for f in dataclasses.fields(cls)}
        if set(plain) != names:
            raise ValueError(f"not a verdict: keys {sorted(names ^ set(plain))} differ")
        values: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list | tuple) else v for k, v in plain.items()
        }
        values["decision"] = Decision(plain["decision"])
        values["cost_ratios"] = dict(plain["cost_ratios"])
        return cls(**values)
