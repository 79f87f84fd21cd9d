"""Every shipped pair, trained for real through a worker, on a small part of its data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from service import catalog
from service.contracts.data import Dataset, Split
from service.contracts.pair import CONTROL, Choice, LocatedPair, Real, Whole
from service.contracts.results import TrialResult
from service.contracts.trial import Seeds, Stage, Status, TrialSpec
from service.training.worker import Worker
from tests.training.backend import FIRST, RUNTIME

MOST = {"train": 96, "validation": 48, "test": 48}


DEEP = {
    "autoencoder", "densenet", "inception", "multi_task", "multimodal", "resnet", "translation",
    "unet",
}  # fmt: skip
"""Pairs whose models take long to trace; they are proven by `make proofs`."""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=pytest.mark.slow) if name in DEEP else name
        for name in catalog.names()
    ],
)
def bench(request: pytest.FixtureRequest) -> Any:
    """A pair with a worker of its own that has a few of its examples."""
    located = catalog.locate(request.param)
    split = located.pair.split

    def few(dataset: Dataset, rng: np.random.Generator) -> Split:
        whole = split(dataset, rng)
        # Every second, so that sorted data still has all its classes.
        return Split(**{part: getattr(whole, part)[::2][:most] for part, most in MOST.items()})

    small = LocatedPair(replace(located.pair, split=few), located.reference, located.code)
    data = located.pair.sources[0].load(None)
    worker = Worker({request.param: small}, {request.param: data}, RUNTIME, timeout=240)

    def run(variant: str, stage: Stage, **changes: Any) -> TrialResult:
        fields: dict[str, Any] = {
            "pair": request.param,
            "code": located.code,
            "data": data.fingerprint,
            "variant": variant,
            "stage": stage,
            "repetition": 0,
            "number": 1,
            "hyperparameters": middle(small, variant),
            "budget": None if small.pair.capacity is None else small.pair.capacity.budget,
            "epochs": 1,
            "seeds": Seeds(split=1, weights=2, order=3),
            "runtime": RUNTIME,
            "strategy": FIRST,
        }
        return worker.run(TrialSpec(**{**fields, **changes})).result

    run.pair = small.pair  # type: ignore[attr-defined]
    return run


def middle(located: LocatedPair, variant: str) -> dict[str, Any]:
    """A point of the variant's space: the first choice, the middle of a range."""
    found: dict[str, Any] = {}
    pair = located.pair
    for name, given in pair.space(pair.variant(variant), matched=True).items():
        match given:
            case Choice(values):
                found[name] = values[0]
            case Real(low, high, log):
                found[name] = float(np.sqrt(low * high)) if log else (low + high) / 2
            case Whole(low, high):
                found[name] = (low + high) // 2
    return found


def test_it_trains_repeats_itself_and_has_a_control(bench: Any) -> None:
    """Scores are finite, sizes equal, the same seed gives the same weights, and so does the control."""
    pair = bench.pair
    results = {}
    for variant in pair.variants:
        result = results[variant.name] = bench(variant.name, Stage.RETRAIN)
        assert result.status is Status.OK, result.reason
        for value in (result.score, result.test_score, result.baseline_score, *result.curve.loss):
            assert value is not None
            assert np.isfinite(value)
        assert result.flops, "a layer has no formula for its operations"
        assert set(result.also) == {metric.name for metric in pair.also}
        assert set(result.reference_scores) == {other.name for other in pair.references}
        assert bench(variant.name, Stage.RETRAIN).numbers() == result.numbers()
    if pair.capacity is not None:
        sizes = [result.parameters for result in results.values()]
        assert max(sizes) <= 1.05 * min(sizes)
    stack = results[pair.reference.name]
    control = bench(CONTROL, Stage.CONTROL, number=0)
    assert control.status is Status.OK, control.reason
    assert control.weights_digest == stack.weights_digest
    assert control.curve == stack.curve
