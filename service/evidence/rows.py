"""What judging reads of a result: all of it, but of a search's trial, of which there are many, a tenth.

A look holds every trial of a pair at once, and a complete result takes some 4 KB of the driver's memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from service.contracts.by_example import ExampleScores
from service.contracts.pair import Scalar
from service.contracts.results import Curve, TrialResult
from service.contracts.trial import Runtime, Stage, Status


@dataclass(frozen=True, slots=True)
class SearchedSeeds:
    """As `service.contracts.trial.Seeds`, without those that are a trial's own."""

    split: int


@dataclass(frozen=True, slots=True)
class SearchedSpec:
    """As `service.contracts.trial.TrialSpec`; the seeds and the runtime are shared between rows."""

    id: str
    pair: str
    code: str
    data: str
    variant: str
    repetition: int
    number: int
    epochs: int
    seeds: SearchedSeeds
    runtime: Runtime
    stage: ClassVar[Stage] = Stage.SEARCH


@dataclass(frozen=True, slots=True)
class SearchedCost:
    """As `service.contracts.results.Cost`, without what only retrained winners are asked for."""

    train_seconds: float
    compile_seconds: float
    latency_seconds: ClassVar[float | None] = None
    peak_memory_bytes: ClassVar[int | None] = None


@dataclass(frozen=True, slots=True)
class Searched:
    """As `service.contracts.results.TrialResult`, for a trial of a search."""

    spec: SearchedSpec
    status: Status
    reason: str | None
    score: float | None
    baseline_score: float | None
    epochs: int
    hyperparameters: Mapping[str, Scalar]
    parameters: int | None
    flops: int | None
    examples: tuple[int, int, int] | None
    cost: SearchedCost
    curve: ClassVar[Curve] = Curve()
    test_score: ClassVar[float | None] = None
    weights_digest: ClassVar[str | None] = None
    by_example: ClassVar[ExampleScores | None] = None

    @property
    def ok(self) -> bool:
        """Whether the trial ended as planned."""
        return self.status is Status.OK


Row = TrialResult | Searched
AnyRow = TypeVar("AnyRow", bound=Row)


_Value = TypeVar("_Value")


def lean(results: Iterable[Row]) -> list[Row]:
    """These results as judging needs them; what many of them have in common they share."""
    known: dict[Any, Any] = {}

    def same(value: _Value) -> _Value:
        found: _Value = known.setdefault(value, value)
        return found

    def row(result: Row) -> Row:
        if isinstance(result, Searched) or result.spec.stage is not Stage.SEARCH:
            return result
        spec, cost = result.spec, result.cost
        return Searched(
            spec=SearchedSpec(
                id=spec.id,
                pair=spec.pair,
                code=spec.code,
                data=spec.data,
                variant=spec.variant,
                repetition=spec.repetition,
                number=spec.number,
                epochs=spec.epochs,
                seeds=same(SearchedSeeds(spec.seeds.split)),
                runtime=same(spec.runtime),
            ),
            status=result.status,
            reason=result.reason,
            score=result.score,
            baseline_score=result.baseline_score,
            epochs=result.epochs,
            hyperparameters=result.hyperparameters or spec.hyperparameters,
            parameters=same(result.parameters),
            flops=same(result.flops),
            examples=same(result.examples),
            cost=SearchedCost(cost.train_seconds, cost.compile_seconds),
        )

    return [row(result) for result in results]
