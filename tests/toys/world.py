"""A world without Keras, Ray or a database, in which trials take no time and end in any order."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.contracts.pair import CONTROL, Hyperparameters
from service.contracts.plan import (
    DesignPlan,
    MetricPlan,
    PairPlan,
    Plan,
    RangePlan,
    ResourcePlan,
    SearchPlan,
)
from service.contracts.ports import Advance, Told
from service.contracts.results import Curve, Outcome, TrialResult
from service.contracts.strategy import Timing
from service.contracts.trial import Stage, Status, TrialSpec, content_hash


def pair(name: str = "made-up", margin: float = 0.02) -> PairPlan:
    space = {"rate": RangePlan(kind="real", low=0.0, high=1.0)}
    return PairPlan(
        name=name,
        reference=name,
        code="c0de",
        title=name,
        question="?",
        variants=("sequential", "functional"),
        metric=MetricPlan(name="accuracy", direction="maximize", unit="fraction"),
        margin=margin,
        epochs=3,
        budget=None,
        spaces={"sequential": space, "functional": space},
        shared=("rate",),
        source="made up",
        licence="",
        baseline="guessing",
        data="da7a",
    )


def plan(**changes: Any) -> Plan:
    fields: dict[str, Any] = {
        "experiment": "test",
        "backend": "tensorflow",
        "pairs": (pair(),),
        "search": SearchPlan(trials=7, sampler="random", pruner="none", batch=3),
        "design": DesignPlan(looks=(4,), retrain=2, confidence=0.95, seed=0),
        "resources": ResourcePlan(
            cpus_per_trial=1, gpus_per_trial=0, max_parallel=None, trial_timeout_seconds=60
        ),
        "data_source": "packaged",
        "data_path": None,
        "mlflow": None,
        "config": "",
    }
    return Plan(**{**fields, **changes})


def unit(*parts: object) -> float:
    """A number in [0, 1) that depends on the parts alone."""
    return int(content_hash([str(part) for part in parts], 8), 16) / 16**8


def outcome(spec: TrialSpec, effect: float = 0.0, status: Status = Status.OK) -> Outcome:
    """What a trial of this spec gives: a function of the spec, the control equal to its stack."""
    variant = "sequential" if spec.variant == CONTROL else spec.variant
    seen = (spec.repetition, variant, spec.stage if spec.stage is Stage.SEARCH else "retrain")
    noise = unit(*seen, spec.number, sorted(spec.hyperparameters.items()), spec.seeds.weights)
    score = 0.5 + 0.1 * noise + (effect if variant == "functional" else 0.0)
    ok = status is Status.OK
    return Outcome(
        TrialResult(
            spec=spec,
            status=status,
            reason=None if ok else "told to",
            score=score if ok else None,
            test_score=score if ok and spec.stage is Stage.RETRAIN else None,
            baseline_score=0.1 if ok and spec.stage is Stage.RETRAIN else None,
            curve=Curve(loss=(3.0, 2.0, 1.0), validation=(score - 0.2, score - 0.1, score))
            if ok
            else Curve(),
            epochs=3 if ok else 0,
            hyperparameters=spec.hyperparameters,
            parameters=100,
            flops=1000,
            weights_digest=f"{noise:.12f}" if ok else None,
            examples=(60, 20, 20),
        )
    )


def propose(
    space: Mapping[str, RangePlan],
    history: Sequence[Told],
    *,
    count: int,
    seed: int,
    sampler: str,
    direction: str,
) -> list[Hyperparameters]:
    """Depends on everything that it is given, as a real sampler does."""
    told = [(sorted(one.hyperparameters.items()), one.status.value, one.score) for one in history]
    return [
        {name: unit(seed, told, place, name) for name in sorted(space)} for place in range(count)
    ]


@dataclass
class Shuffled:
    """An executor that returns what it was given in an order of its own."""

    seed: int = 0
    run: Callable[[TrialSpec], Outcome] = outcome
    at_most: int = 3
    dies_after: int | None = None
    ran: list[str] = field(default_factory=list)
    waiting: list[TrialSpec] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    @property
    def slots(self) -> int:
        return 2

    def submit(self, batch: Sequence[TrialSpec]) -> None:
        self.waiting.extend(batch)

    def measure(self, specs: Sequence[TrialSpec]) -> list[Timing]:
        return [Timing(variant=spec.variant, strategy=spec.strategy) for spec in specs]

    def collect(self) -> list[Outcome]:
        done = []
        for _ in range(min(len(self.waiting), self._random.randint(1, self.at_most))):
            if self.dies_after is not None and len(self.ran) >= self.dies_after:
                raise KeyboardInterrupt
            spec = self.waiting.pop(self._random.randrange(len(self.waiting)))
            self.ran.append(spec.id)
            done.append(self.run(spec))
        return done

    def close(self) -> None:
        self.waiting.clear()


@dataclass
class Notebook:
    """A ledger in memory."""

    kept: dict[str, TrialResult] = field(default_factory=dict)

    def results(self) -> Mapping[str, TrialResult]:
        return dict(self.kept)

    def evidence(self, pair: str) -> Iterable[TrialResult]:
        return [result for result in self.kept.values() if result.spec.pair == pair]

    def record(self, outcomes: Sequence[Outcome]) -> None:
        for one in outcomes:
            self.kept.setdefault(one.result.spec.id, one.result)

    def numbers(self) -> dict[str, Any]:
        return {identity: result.numbers() for identity, result in self.kept.items()}


@dataclass
class Listener:
    """Keeps what it hears."""

    news: list[Advance] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def advance(self, news: Advance) -> None:
        self.news.append(news)

    def say(self, text: str) -> None:
        self.said.append(text)


@dataclass
class World:
    """Everything a campaign test needs, by name."""

    plan: Callable[..., Plan] = plan
    pair: Callable[..., PairPlan] = pair
    outcome: Callable[..., Outcome] = outcome
    unit: Callable[..., float] = unit
    propose: Any = field(default_factory=lambda: propose)
    Shuffled: type[Shuffled] = Shuffled
    Notebook: type[Notebook] = Notebook
    Listener: type[Listener] = Listener
