"""One trial, from its spec to its status and numbers."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace

import pytest

from service.contracts.data import Dataset
from service.contracts.errors import ArchduelError
from service.contracts.pair import CONTROL, LocatedPair
from service.contracts.trial import Runtime, Seeds, Stage, Status, TrialSpec
from service.training.worker import Worker

Spec = Callable[..., TrialSpec]


@pytest.fixture(scope="module")
def worker(toy: LocatedPair, toy_data: Dataset) -> Worker:
    return Worker({"toy": toy}, {"toy": toy_data}, Runtime(), timeout=60)


def test_a_search_trial_is_scored_on_validation_and_never_on_test(
    worker: Worker, toy_spec: Spec
) -> None:
    result = worker.run(toy_spec()).result
    assert result.status is Status.OK
    assert len(result.curve.loss) == len(result.curve.validation) == result.epochs == 3
    assert result.score == result.curve.validation[-1]
    assert result.test_score is None
    assert result.baseline_score is None
    assert result.examples == (64, 28, 28)
    assert result.weights_digest


def test_parameters_are_matched(worker: Worker, toy_spec: Spec) -> None:
    counts = [
        worker.run(toy_spec(variant=variant)).result.parameters
        for variant in ("sequential", "functional")
    ]
    assert all(count is not None and abs(count - 400) <= 10 for count in counts)


def test_the_same_spec_gives_the_same_numbers_whatever_ran_before(
    worker: Worker, toy_spec: Spec
) -> None:
    first = worker.run(toy_spec()).result
    worker.run(toy_spec(variant="functional", seeds=Seeds(split=9, weights=9, order=9)))
    worker.run(toy_spec(seeds=Seeds(split=1, weights=4, order=4)))
    assert worker.run(toy_spec()).result.numbers() == first.numbers()


@pytest.mark.parametrize("seeds", [{"split": 8}, {"weights": 8}, {"order": 8}])
def test_every_seed_matters(worker: Worker, toy_spec: Spec, seeds: dict[str, int]) -> None:
    given = {"split": 1, "weights": 2, "order": 3}
    other = worker.run(toy_spec(seeds=Seeds(**{**given, **seeds}))).result
    assert other.weights_digest != worker.run(toy_spec()).result.weights_digest


def test_a_retrained_winner_reads_the_test_split_and_leaves_its_model(
    worker: Worker, toy_spec: Spec
) -> None:
    outcome = worker.run(toy_spec(stage=Stage.RETRAIN))
    assert outcome.result.test_score is not None
    assert outcome.result.baseline_score is not None
    assert outcome.result.cost.latency_seconds
    assert outcome.model is not None
    names = zipfile.ZipFile(io.BytesIO(outcome.model)).namelist()
    assert "MLmodel" in names
    assert worker.run(toy_spec(stage=Stage.RETRAIN, number=1)).model is None


def test_the_control_ends_with_the_weights_of_the_sequential_to_the_bit(
    worker: Worker, toy_spec: Spec
) -> None:
    """Dropout and batch normalisation included: the difference is the architecture, not the API."""
    stack = worker.run(toy_spec(stage=Stage.RETRAIN)).result
    control = worker.run(toy_spec(stage=Stage.CONTROL, variant=CONTROL)).result
    assert control.status is Status.OK
    assert control.weights_digest == stack.weights_digest
    assert control.curve == stack.curve


@pytest.mark.parametrize(
    ("mode", "status", "reason"),
    [
        ("raise", Status.FAILED, "ValueError: the builder was told to raise (toy_pair.py:"),
        ("memory", Status.OUT_OF_MEMORY, "MemoryError: the builder was told"),
        ("nan", Status.DIVERGED, "the training loss was nan in epoch 1"),
    ],
)
def test_what_goes_wrong_is_a_status_with_its_reason(
    worker: Worker, toy_spec: Spec, mode: str, status: Status, reason: str
) -> None:
    result = worker.run(toy_spec(mode)).result
    assert result.status is status
    assert result.reason is not None
    assert result.reason.startswith(reason)
    assert result.score is None


def test_a_trial_that_falls_behind_the_bar_is_pruned(worker: Worker, toy_spec: Spec) -> None:
    result = worker.run(toy_spec(prune_at=(None, 2.0, None))).result
    assert result.status is Status.PRUNED
    assert result.epochs == 2
    assert result.score == result.curve.validation[1]
    assert worker.run(toy_spec(prune_at=(None, -1.0, None))).result.status is Status.OK


def test_a_trial_that_takes_too_long_is_timed_out(
    toy: LocatedPair, toy_data: Dataset, toy_spec: Spec
) -> None:
    hurried = Worker({"toy": toy}, {"toy": toy_data}, Runtime(), timeout=0.0)
    result = hurried.run(toy_spec()).result
    assert result.status is Status.TIMED_OUT
    assert result.reason == "timed out after 1 of 3 epochs"


@pytest.mark.parametrize(
    "change", [{"code": "other"}, {"data": "other"}, {"runtime": Runtime(threads=2)}]
)
def test_a_worker_of_another_version_refuses(
    worker: Worker, toy_spec: Spec, change: dict[str, object]
) -> None:
    with pytest.raises(ArchduelError, match="this worker's"):
        worker.run(toy_spec(**change))


def test_a_noise_floors_control_is_scored_on_test_and_kept_no_model_of(
    worker: Worker, toy_spec: Spec
) -> None:
    search = worker.run(toy_spec(variant=CONTROL)).result
    assert search.numbers()["score"] == worker.run(toy_spec()).result.score
    done = worker.run(toy_spec(variant=CONTROL, stage=Stage.RETRAIN))
    assert done.result.test_score is not None
    assert done.model is None


def test_a_retrained_winner_keeps_its_score_on_each_test_example(
    worker: Worker, toy_spec: Spec
) -> None:
    result = worker.run(toy_spec(stage=Stage.RETRAIN)).result
    assert result.by_example is not None
    positions, scores = result.by_example.unpack()
    assert result.examples is not None
    assert len(set(positions.tolist())) == len(scores) == result.examples[2]
    assert scores.mean() == pytest.approx(result.test_score, abs=1e-4)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_test_score_that_is_no_number_is_a_failure_with_its_reason(
    toy: LocatedPair, toy_data: Dataset, toy_spec: Spec, value: float
) -> None:
    calls = []

    def score(targets: object, predictions: object) -> float:
        calls.append(1)
        return value if len(calls) > 3 else 0.5  # three epochs are validated before

    metric = replace(toy.pair.metric, score=score)
    odd = replace(toy, pair=replace(toy.pair, metric=metric))
    worker = Worker({"toy": odd}, {"toy": toy_data}, Runtime(), timeout=60)
    result = worker.run(toy_spec(stage=Stage.RETRAIN)).result
    assert result.status is Status.FAILED
    assert f"the test accuracy is {value}" in (result.reason or "")
    assert result.test_score is None
