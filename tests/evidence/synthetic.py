"""A generator of whole experiments' results, realistic enough to read a report of.

Scores follow learning curves, searches have bad learning rates that diverge, both variants of a
repetition share the difficulty of its split, and some trials fail. Everything random comes from
the seed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from service.contracts.pair import CONTROL
from service.contracts.plan import (
    DesignPlan,
    MetricPlan,
    PairPlan,
    Plan,
    RangePlan,
    ResourcePlan,
    SearchPlan,
)
from service.contracts.results import Cost, Curve, TrialResult
from service.contracts.trial import Seeds, Stage, Status, TrialSpec

CONFIG = """\
experiment: residual-demo
pairs:
  - residual_vs_plain   # identity skips
search: {trials: 8, sampler: tpe, epochs: 20}
design: {looks: [10, 20, 30], retrain: 2, confidence: 0.95}
seed: 7
"""


@dataclass(frozen=True)
class Made:
    """A plan with the results of (part of) its campaign."""

    plan: Plan
    results: list[TrialResult]

    @property
    def pair(self) -> PairPlan:
        """The first pair."""
        return self.plan.pairs[0]


@dataclass(frozen=True)
class Truth:
    """What the generator draws from, for one pair.

    Attributes:
        effect: how much better the challenger is, in the metric's unit.
        sd: standard deviation of a repetition's noise, per variant.
        level: the reference's score.
        diverge: whether high learning rates diverge.
        flops: whether the layers have formulas.
        challenger_cost: its cost relative to the reference's.
    """

    effect: float = 0.03
    sd: float = 0.012
    level: float = 0.86
    diverge: bool = True
    flops: bool = True
    challenger_cost: float = 1.35


def pair_plan(
    name: str = "residual_vs_plain",
    *,
    title: str = "Residual block against a plain stack",
    direction: Literal["maximize", "minimize"] = "maximize",
    metric: str = "accuracy",
    unit: str = "fraction",
    margin: float = 0.01,
    budget: int | None = 12_000,
    variants: tuple[str, str] = ("sequential", "functional"),
) -> PairPlan:
    """A pair's plan as `service.plan` would make it."""
    shared = {
        "learning_rate": RangePlan(kind="real", low=1e-4, high=1e-1, log=True),
        "batch_size": RangePlan(kind="choice", values=(32, 64)),
        "dropout": RangePlan(kind="real", low=0.0, high=0.5),
    }
    return PairPlan(
        name=name,
        reference=name,
        code="c0de" + "0" * 12,
        title=title,
        question="Do identity skips help a stack of eight dense layers learn handwritten digits?",
        variants=variants,
        metric=MetricPlan(name=metric, direction=direction, unit=unit),
        margin=margin,
        epochs=20,
        budget=budget,
        spaces={
            variants[0]: shared,
            variants[1]: {**shared, "skip_every": RangePlan(kind="choice", values=(1, 2))},
        },
        shared=tuple(shared),
        source="scikit-learn load_digits",
        licence="CC BY 4.0, E. Alpaydin and C. Kaynak (1998), UCI Machine Learning Repository",
        baseline="always the most frequent class",
        why_not_sequential="A skip adds a layer's input to its output: two paths meet, which a "
        "straight stack cannot express.",
        published="The gain comes with depth: 27.94 against 27.88 at 18 layers, 28.54 against "
        "25.03 at 34 (top-1 error, ImageNet). He et al. 2015, table 2",
    )


def make_plan(
    pairs: Sequence[PairPlan] | None = None,
    *,
    looks: tuple[int, ...] = (10, 20, 30),
    trials: int = 8,
    retrain: int = 2,
    seed: int = 7,
) -> Plan:
    """An experiment's plan as `service.plan` would make it."""
    return Plan(
        experiment="residual-demo",
        backend="tensorflow",
        pairs=tuple(pairs or [pair_plan()]),
        search=SearchPlan(trials=trials, sampler="tpe", pruner="none", batch=4),
        design=DesignPlan(looks=looks, retrain=retrain, confidence=0.95, seed=seed),
        resources=ResourcePlan(
            cpus_per_trial=1, gpus_per_trial=0.0, max_parallel=None, trial_timeout_seconds=600.0
        ),
        strategy="auto",
        data_source="packaged",
        data_path=None,
        mlflow=None,
        config=CONFIG,
    )


def experiment(
    *,
    truth: Truth | Sequence[Truth] | None = None,
    plan: Plan | None = None,
    repetitions: int | None = None,
    control: bool = True,
    seed: int = 0,
) -> Made:
    """A campaign's results.

    Args:
        truth: what holds, for all pairs or for each.
        plan: the plan, by default one pair with looks at 10, 20 and 30.
        repetitions: how many were run, by default those of the first look.
        control: whether the control was run.
        seed: of everything random.
    """
    plan = plan or make_plan()
    count = plan.design.looks[0] if repetitions is None else repetitions
    truths = [truth or Truth()] * len(plan.pairs) if not isinstance(truth, list) else truth
    results: list[TrialResult] = []
    for place, (pair, what) in enumerate(zip(plan.pairs, truths, strict=True)):
        for repetition in range(count):
            rng = np.random.default_rng([seed, place, repetition])
            results += _repetition(plan, pair, what, repetition, rng, control)
    return Made(plan, results)


def _repetition(
    plan: Plan,
    pair: PairPlan,
    truth: Truth,
    repetition: int,
    rng: np.random.Generator,
    control: bool,
) -> list[TrialResult]:
    results: list[TrialResult] = []
    split = int(rng.integers(2**31))
    difficulty = float(rng.normal(0, truth.sd))
    better = 1.0 if pair.metric.direction == "maximize" else -1.0
    baseline = truth.level - better * 0.6 * abs(truth.level) + float(rng.normal(0, 0.002))
    for place, variant in enumerate(pair.variants):
        level = truth.level + difficulty + better * place * truth.effect
        level += float(rng.normal(0, truth.sd / 2))
        search = []
        for number in range(plan.search.trials):
            rate = float(10 ** rng.uniform(-4, -1))
            tuned: dict[str, bool | int | float | str] = {
                "learning_rate": rate,
                "batch_size": int(rng.choice([32, 64])),
                "dropout": float(rng.uniform(0, 0.5)),
            }
            if "skip_every" in pair.spaces[variant]:
                tuned["skip_every"] = int(rng.choice([1, 2]))
            spec = _spec(plan, pair, variant, Stage.SEARCH, repetition, number, tuned, split)
            loss = 0.06 * abs(truth.level) * (math.log10(rate) + 2.5) ** 2
            failed = truth.diverge and rate > 0.06
            search.append(_result(spec, truth, place, level - better * loss, None, rng, failed))
        results += search
        ok = [row for row in search if row.ok]
        if not ok:
            continue
        key = (lambda row: row.score) if better > 0 else (lambda row: -row.score)
        best = max(ok, key=key)
        for number in range(plan.design.retrain):
            spec = _spec(
                plan, pair, variant, Stage.RETRAIN, repetition, number,
                best.spec.hyperparameters, split,
            )  # fmt: skip
            final = level + float(rng.normal(0, truth.sd / 2))
            results.append(_result(spec, truth, place, final, baseline, rng, False))
    if control:
        first = next(
            (
                row
                for row in results
                if row.spec.variant == pair.variants[0]
                and row.spec.stage is Stage.RETRAIN
                and row.spec.number == 0
            ),
            None,
        )
        if first is not None:
            spec = first.spec.model_copy(update={"variant": CONTROL, "stage": Stage.CONTROL})
            spec = TrialSpec.model_validate(spec.model_dump())
            results.append(first.model_copy(update={"spec": spec}))
    return results


def _spec(
    plan: Plan,
    pair: PairPlan,
    variant: str,
    stage: Stage,
    repetition: int,
    number: int,
    tuned: dict[str, bool | int | float | str],
    split: int,
) -> TrialSpec:
    return TrialSpec(
        pair=pair.name,
        code=pair.code,
        data="da7a" + "0" * 12,
        variant=variant,
        stage=stage,
        repetition=repetition,
        number=number,
        hyperparameters=tuned,
        budget=pair.budget,
        epochs=pair.epochs,
        seeds=Seeds(split=split, weights=repetition * 100 + number, order=repetition * 7 + number),
        runtime=plan.runtime,
    )


def _result(
    spec: TrialSpec,
    truth: Truth,
    place: int,
    score: float,
    baseline: float | None,
    rng: np.random.Generator,
    failed: bool,
) -> TrialResult:
    relative = 1.0 if place == 0 else truth.challenger_cost
    seconds = 0.9 * relative * float(rng.lognormal(0, 0.05))
    common = {
        "spec": spec,
        "hyperparameters": {**spec.hyperparameters, "width": 48 - 2 * place},
        "parameters": 11_950 + 60 * place,
        "flops": int(24_000 * relative) if truth.flops else None,
        "examples": (1_078, 359, 360),
        "finished_at": f"2025-01-01T00:{spec.repetition:02d}:{spec.number:02d}Z",
    }
    if failed:
        return TrialResult(
            **common,
            status=Status.DIVERGED,
            reason="the training loss is not finite after epoch 2",
            curve=Curve(loss=(2.4, 31.0), validation=(0.11, 0.1)),
            epochs=2,
            cost=Cost(train_seconds=seconds / 10, worker="host-a/101"),
        )
    steps = range(1, spec.epochs + 1)
    start = score * 0.25 if baseline is None else baseline
    validation = tuple(
        score + (start - score) * math.exp(-step / 4) + float(rng.normal(0, 0.003))
        for step in steps
    )
    loss = tuple(
        2.3 * math.exp(-step / 5) + 0.05 + abs(float(rng.normal(0, 0.01))) for step in steps
    )
    return TrialResult(
        **common,
        status=Status.OK,
        score=score + float(rng.normal(0, 0.002)),
        test_score=None if baseline is None else score,
        baseline_score=baseline,
        curve=Curve(loss=loss, validation=validation),
        epochs=spec.epochs,
        weights_digest=spec.id if baseline is not None else None,
        cost=Cost(
            train_seconds=seconds,
            compile_seconds=1.4 if spec.number == 0 else 0.0,
            total_seconds=seconds + 0.2,
            latency_seconds=None if baseline is None else 0.00042 * relative,
            peak_memory_bytes=412_000_000 + int(rng.integers(2_000_000)),
            worker="host-a/101",
            reused_program=spec.number > 0,
        ),
    )


def swapped(made: Made) -> Made:
    """The same experiment with the roles of reference and challenger exchanged."""
    pairs = tuple(
        pair.model_copy(update={"variants": (pair.variants[1], pair.variants[0])})
        for pair in made.plan.pairs
    )
    return replace(made, plan=made.plan.model_copy(update={"pairs": pairs}))


def failing(row: TrialResult, status: Status, reason: str) -> TrialResult:
    """The same trial, had it ended badly."""
    return row.model_copy(
        update={
            "status": status,
            "reason": reason,
            "score": None,
            "test_score": None,
            "weights_digest": None,
        }
    )
