"""What holds on JAX; run by `test_on_jax` in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from service.contracts.data import Dataset
from service.contracts.pair import CONTROL, LocatedPair
from service.contracts.results import TrialResult
from service.contracts.trial import Runtime, Seeds, Stage, Status, TrialSpec
from service.training import group_course, vmap_memory, vmap_program
from service.training.anatomy import digest
from service.training.course import Orders
from service.training.program import Objective, Program, values, variables
from service.training.rates import Rates
from service.training.seeding import seed_builders
from service.training.strategies import program
from service.training.trainer import Training
from service.training.worker import Worker

JAX = Runtime(backend="jax")
DROPOUT = {"width": 9, "dropout": 0.3}
OBJECTIVE = Objective("sparse_categorical_crossentropy", ("y",), decay=0.5)

Spec = Callable[..., TrialSpec]


@pytest.fixture(scope="module")
def worker(toy: LocatedPair, toy_data: Dataset) -> Worker:
    return Worker({"toy": toy}, {"toy": toy_data}, JAX, timeout=60)


@pytest.fixture(scope="module")
def spec(toy_spec: Spec) -> Spec:
    return lambda **changes: toy_spec(**{"runtime": JAX, "strategy": "vmap/8", **changes})


@pytest.fixture(scope="module")
def members(spec: Spec) -> list[TrialSpec]:
    """Twelve trials that differ in everything in which those that train together may differ."""
    return [
        spec(
            hyperparameters={
                "learning_rate": 0.002 * (1 + n),
                "batch_size": 16,
                "dropout": 0.1 + 0.05 * n,
                "weight_decay": 0.1 * n,
            },
            seeds=Seeds(split=n % 3, weights=n, order=n),
        )
        for n in range(12)
    ]


@pytest.fixture(scope="module")
def together(worker: Worker, members: list[TrialSpec]) -> list[TrialResult]:
    return group(worker, members)


def group(worker: Worker, specs: list[TrialSpec]) -> list[TrialResult]:
    return [outcome.result for outcome in worker.run_group(specs, [1] * len(specs))]


# -- one training ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def orders() -> Any:
    return Orders(0, 64, 16).next(3)


@pytest.fixture(scope="module")
def scan(worker: Worker, toy: LocatedPair) -> Program:
    seed_builders(5)
    return program("scan", toy.pair.reference.build(DROPOUT), OBJECTIVE)  # type: ignore[return-value]


def test_scan_ends_where_fit_ends(
    scan: Program, toy: LocatedPair, toy_data: Dataset, orders: Any
) -> None:
    """Dropout included, whose rate and whose masks are the same, and weight decay."""
    train = toy_data.examples.take(np.arange(64))
    watched = toy_data.examples.take(np.arange(64, 92)).inputs
    seed_builders(6)
    fit = program("fit", toy.pair.reference.build({**DROPOUT, "dropout": 0.1}), OBJECTIVE)
    start = values(variables(scan.model))
    chunks = []
    for one in (scan, fit):
        one.start(start, Rates(0.01, OBJECTIVE.decay, (0.1,)), train)  # type: ignore[union-attr]
        chunks.append(one.train(orders, watched))  # type: ignore[union-attr]
    for ours, theirs in zip(scan.model.get_weights(), fit.model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(chunks[0].losses, chunks[1].losses, rtol=1e-5)
    np.testing.assert_allclose(
        chunks[0].predictions["y"], chunks[1].predictions["y"], rtol=1e-4, atol=1e-5
    )


def test_chunks_and_restarts_change_no_bit(scan: Program, toy_data: Dataset, orders: Any) -> None:
    train = toy_data.examples.take(np.arange(64))
    watched = toy_data.examples.take(np.arange(64, 92)).inputs
    seed_builders(5)
    start = values(variables(scan.model))

    def weights() -> list[bytes]:
        return [weight.tobytes() for weight in scan.model.get_weights()]

    scan.start(start, Rates(0.01), train)
    whole = scan.train(orders, watched)
    expected = weights()
    scan.start(start, Rates(0.01), train)
    first = scan.train(orders[:1], watched)
    captured = scan.capture()
    scan.train(orders, watched)
    assert weights() != expected
    scan.restore(captured)
    rest = scan.train(orders[1:], watched)
    assert weights() == expected
    assert [*first.losses, *rest.losses] == list(whole.losses)


def test_the_control_ends_with_the_same_weights(worker: Worker, spec: Spec) -> None:
    stack = worker.run(spec(strategy="scan")).result
    control = worker.run(spec(strategy="scan", variant=CONTROL, stage=Stage.CONTROL)).result
    assert stack.status is control.status is Status.OK
    assert control.weights_digest == stack.weights_digest
    assert control.curve == stack.curve


# -- many at once ----------------------------------------------------------------------------


def test_a_member_is_what_it_is_whoever_else_trains_and_wherever(
    worker: Worker, members: list[TrialSpec], together: list[TrialResult]
) -> None:
    """Bit for bit: alone (all slots its own), in another order, with others' learning rates."""
    assert all(result.status is Status.OK for result in together)
    assert len({result.weights_digest for result in together}) == len(members)
    for place in (0, 11):
        assert worker.run(members[place]).result.numbers() == together[place].numbers()
    mixed = np.random.default_rng(1).permutation(len(members))
    for place, result in zip(mixed, group(worker, [members[n] for n in mixed]), strict=True):
        assert result.numbers() == together[place].numbers()


def test_together_they_get_what_they_get_one_by_one(
    worker: Worker, members: list[TrialSpec], together: list[TrialResult]
) -> None:
    for member, result in zip(members[:3], together, strict=False):
        alone = worker.run(member.model_copy(update={"strategy": "scan"})).result
        np.testing.assert_allclose(result.curve.loss, alone.curve.loss, rtol=1e-4)
        np.testing.assert_allclose(result.curve.validation, alone.curve.validation, atol=1e-6)


def test_who_is_pruned_leaves_and_the_others_close_up(
    worker: Worker,
    members: list[TrialSpec],
    together: list[TrialResult],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(group_course, "CHUNK_SECONDS", 0.0)  # Chunks of one epoch.
    calls: list[int] = []
    train = vmap_program.Batch.train

    def counted(batch: vmap_program.Batch, orders: Any) -> Any:
        calls.append(len(orders))
        return train(batch, orders)

    monkeypatch.setattr(vmap_program.Batch, "train", counted)
    leaving = {1, 3, 4, 9, 11}
    found = group(
        worker,
        [
            member.model_copy(update={"prune_at": (1.1,)}) if n in leaving else member
            for n, member in enumerate(members)
        ],
    )
    assert calls == [8, 4, 7, 7]
    for n, (result, before) in enumerate(zip(found, together, strict=True)):
        if n in leaving:
            assert result.status is Status.PRUNED
            assert result.epochs == 1
            assert result.curve.loss == before.curve.loss[:1]
        else:
            assert result.numbers() == before.numbers()


def test_one_that_fails_takes_no_other_with_it(
    worker: Worker,
    members: list[TrialSpec],
    together: list[TrialResult],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    materials = worker._materials["toy"]
    get = materials.get

    def broken(seed: int) -> Any:
        if seed == 77:
            raise ValueError("this split has no examples")
        return get(seed)

    monkeypatch.setattr(materials, "get", broken)
    bad = members[1].model_copy(update={"seeds": Seeds(split=77, weights=1, order=1)})
    first, failed, last = group(worker, [members[0], bad, members[2]])
    assert failed.status is Status.FAILED
    assert "this split has no examples" in (failed.reason or "")
    assert first.numbers() == together[0].numbers()
    assert last.numbers() == together[2].numbers()


def test_time_runs_out_for_all_of_them(
    toy: LocatedPair, toy_data: Dataset, members: list[TrialSpec], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_course, "CHUNK_SECONDS", 0.0)
    late = Worker({"toy": toy}, {"toy": toy_data}, JAX, timeout=0.0)
    for result in group(late, members[:2]):
        assert result.status is Status.TIMED_OUT
        assert "after 1 of 3 epochs" in (result.reason or "")


def test_winners_of_a_group_read_the_test_split_and_travel(worker: Worker, spec: Spec) -> None:
    specs = [
        spec(stage=Stage.RETRAIN, number=n, seeds=Seeds(split=1, weights=n, order=n))
        for n in range(2)
    ]
    first, second = worker.run_group(specs, [1, 2])
    assert first.model is not None
    assert second.model is None
    assert first.result.test_score is not None
    assert second.result.cost.attempt == 2
    assert first.result.weights_digest != second.result.weights_digest
    trainer, material = worker._trainers["toy"], worker._materials["toy"].get
    for training in trainer.train_group(specs, material, float("inf")):
        assert isinstance(training, Training)
        given = training.program.weights()
        assert digest(given) == digest(training.program.model.get_weights())


def test_a_batch_that_does_not_fit_is_refused_when_it_is_measured(
    toy: LocatedPair, toy_data: Dataset, spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vmap_memory, "CPU_BYTES", 1000)
    small = Worker({"toy": toy}, {"toy": toy_data}, JAX, timeout=60)
    assert "MemoryError: 8 trainings at once take" in (small.measure(spec()).error or "")
