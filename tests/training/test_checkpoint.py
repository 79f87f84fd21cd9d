"""A trial that was cut off goes on from its checkpoint and ends with the same weights, to the bit."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from service.contracts.results import TrialResult
from service.contracts.trial import Runtime, Status, TrialSpec
from service.training import checkpoint
from service.training.worker import Worker

Spec = Callable[..., TrialSpec]
EPOCHS = 6


class Killed(BaseException):
    """Stands for the death of the process: nothing in a worker catches it."""


@dataclass
class Memory:
    """Checkpoints that are kept in memory after every chunk.

    Args:
        dies_at: the save after which the process dies.
        full: whether the disk is full.
    """

    dies_at: int | None = None
    full: bool = False
    seconds: float = 0.0
    saves: int = 0
    kept: dict[str, bytes] = field(default_factory=dict)

    def load(self, trial: str) -> bytes | None:
        return self.kept.get(trial)

    def save(self, trial: str, content: bytes) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.kept[trial] = content
        self.saves += 1
        if self.saves == self.dies_at:
            raise Killed


@pytest.fixture(autouse=True)
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each chunk is one epoch, however fast the machine is."""
    monkeypatch.setattr("service.training.course.CHUNK_SECONDS", 0.0)
    monkeypatch.setattr("service.training.course.WATCHED_BYTES", 1)


@pytest.fixture
def run(toy: Any, toy_data: Any) -> Callable[..., TrialResult]:
    """Runs a trial in a worker of its own."""

    def one(spec: TrialSpec, store: Any = None, *, resume: bool = False) -> Any:
        worker = Worker({"toy": toy}, {"toy": toy_data}, Runtime(), 60.0, store)
        return worker.run(spec, resume=resume)

    return one


@pytest.mark.parametrize(
    "strategy", ["graph", *(pytest.param(name, marks=pytest.mark.slow) for name in ("xla", "fit"))]
)
def test_a_trial_that_was_cut_off_ends_as_if_it_had_not_been(
    run: Any, toy_spec: Spec, strategy: str
) -> None:
    spec = toy_spec(strategy=strategy, epochs=EPOCHS)
    undisturbed = run(spec).result
    store = Memory(dies_at=4)
    with pytest.raises(Killed):
        run(spec, store)
    again = run(spec, store, resume=True).result
    assert again.cost.resumed_epochs == 4
    assert again.weights_digest == undisturbed.weights_digest
    assert again.curve == undisturbed.curve
    assert again.numbers() == undisturbed.numbers()


def test_seconds_before_the_loss_are_counted(
    run: Any, toy_spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = toy_spec(epochs=EPOCHS)
    store = Memory(dies_at=3)
    with pytest.raises(Killed):
        run(spec, store)
    facts, _ = checkpoint._decoded(store.kept[spec.id], spec) or ({}, [])
    assert facts["seconds"] > 0
    assert run(spec, store, resume=True).result.cost.train_seconds > facts["seconds"]


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]


@pytest.mark.parametrize("damage", [flipped, lambda content: content[:200], lambda content: b""])
def test_a_damaged_checkpoint_is_ignored(
    run: Any, toy_spec: Spec, damage: Callable[[bytes], bytes]
) -> None:
    spec = toy_spec(epochs=EPOCHS)
    store = Memory(dies_at=2)
    with pytest.raises(Killed):
        run(spec, store)
    store.kept[spec.id] = damage(store.kept[spec.id])
    result = run(spec, store, resume=True).result
    assert (result.status, result.cost.resumed_epochs) == (Status.OK, 0)


def test_a_checkpoint_of_another_trial_or_other_libraries_is_ignored(
    run: Any, toy_spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, other = toy_spec(epochs=EPOCHS), toy_spec(epochs=EPOCHS, number=1)
    store = Memory(dies_at=2)
    with pytest.raises(Killed):
        run(spec, store)
    store.kept[other.id] = store.kept[spec.id]
    assert run(other, store, resume=True).result.cost.resumed_epochs == 0
    store.kept[spec.id] = store.kept.pop(other.id)
    monkeypatch.setattr(checkpoint, "_version", lambda package: "0")
    assert run(spec, store, resume=True).result.cost.resumed_epochs == 0


def test_a_full_disk_costs_the_checkpoint_alone(run: Any, toy_spec: Spec) -> None:
    outcome = run(toy_spec(epochs=EPOCHS), Memory(full=True))
    assert outcome.result.status is Status.OK
    assert outcome.note == "a checkpoint could not be kept: No space left on device"


def test_a_short_trial_leaves_none(run: Any, toy_spec: Spec) -> None:
    store = Memory(seconds=60.0)
    assert run(toy_spec(epochs=EPOCHS), store).result.status is Status.OK
    assert store.saves == 0
