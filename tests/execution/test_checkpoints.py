"""Where checkpoints lie, who may have one, and when they go."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from service.contracts.results import Cost, Outcome, TrialResult
from service.contracts.trial import Seeds, Status, TrialSpec
from service.execution.checkpoints import Folder, Shelf
from service.execution.inline import InlineExecutor
from service.execution.ray_actor import WarmWorker
from service.execution.ray_keeper import Kept
from service.execution.ray_pool import RayPool

Spec = Callable[..., TrialSpec]
EPOCHS = 6


def test_a_folder_keeps_what_came_last(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "checkpoints")
    assert folder.known() == set()
    assert folder.load("one") is None
    folder.save("one", b"first")
    folder.save("one", b"second")
    assert folder.load("one") == b"second"
    assert folder.known() == {"one"}
    folder.drop(["one", "never"])
    assert folder.known() == set()


def test_half_a_checkpoint_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(tmp_path)
    folder.save("one", b"whole")

    def full(path: Path, content: bytes) -> int:
        path.touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        folder.save("one", b"newer")
    assert folder.load("one") == b"whole"
    (tmp_path / "two.17.part").touch()
    assert folder.known() == {"one"}
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def outcome(spec: TrialSpec, seconds: float = 0.0, **changes: Any) -> Outcome:
    note = changes.pop("note", None)
    fields = {"status": Status.OK, "cost": Cost(train_seconds=seconds), **changes}
    return Outcome(TrialResult(spec=spec, **fields), note=note)


def test_checkpoints_go_when_their_results_are_recorded(tmp_path: Path, toy_spec: Spec) -> None:
    folder = Folder(tmp_path)
    long, lost, open_ = (toy_spec(number=number) for number in range(3))
    for spec in (long, lost, open_):
        folder.save(spec.id, b"")
    shelf = Shelf(Folder(tmp_path / "none yet"), lambda text: None)
    shelf._store = folder  # They were left in this run, after the shelf had looked.
    shelf.returned([outcome(long, 100.0), outcome(lost, status=Status.LOST)])
    assert folder.known() == {long.id, lost.id, open_.id}
    shelf.recorded()
    assert folder.known() == {open_.id}
    assert Shelf(folder, lambda text: None).may_have(open_.id, attempt=1)
    assert not shelf.may_have(open_.id, attempt=1)
    assert shelf.may_have(open_.id, attempt=2)


def test_that_none_can_be_kept_is_said_once(tmp_path: Path, toy_spec: Spec) -> None:
    heard: list[str] = []
    shelf = Shelf(Folder(tmp_path), heard.append)
    shelf.returned([outcome(toy_spec(number=n), note="the disk is full") for n in range(3)])
    shelf.returned([outcome(toy_spec(number=3), note="the disk is full")])
    assert heard == ["the disk is full"]


@dataclass(frozen=True)
class Mortal:
    """A store whose user dies after a counted save, once.

    Args:
        store: where checkpoints go.
        marker: a file that tells of the death.
        dies_at: which save is the last.
        die: how.
    """

    store: Any
    marker: Path
    dies_at: int
    die: Callable[[], None]
    seconds: float = 0.0

    def load(self, trial: str) -> bytes | None:
        found: bytes | None = self.store.load(trial)
        return found

    def save(self, trial: str, content: bytes) -> None:
        self.store.save(trial, content)
        with self.marker.open("a") as file:
            file.write(".")
        if self.marker.stat().st_size == self.dies_at:
            self.die()

    def drop(self, trials: list[str]) -> None:
        self.store.drop(trials)

    def known(self) -> set[str]:
        known: set[str] = self.store.known()
        return known


def interrupt() -> None:
    raise KeyboardInterrupt


def exit_at_once() -> None:
    os._exit(1)


@pytest.fixture
def short_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.training.course.CHUNK_SECONDS", 0.0)


def test_a_driver_that_was_stopped_goes_on_where_it_was(
    toy: Any, toy_data: Any, toy_spec: Spec, tmp_path: Path, short_chunks: None, inline: Any,
    finish: Any,
) -> None:  # fmt: skip
    spec = toy_spec(epochs=EPOCHS)
    expected = finish(inline, [spec])
    store = Mortal(Folder(tmp_path / "kept"), tmp_path / "saves", 3, interrupt)
    pairs, data = {"toy": toy}, {"toy": toy_data}
    stopped = InlineExecutor(pairs, data, spec.runtime, 60.0, store)
    stopped.submit([spec])
    with pytest.raises(KeyboardInterrupt):
        stopped.collect()
    assert store.known() == {spec.id}
    found = finish(InlineExecutor(pairs, data, spec.runtime, 60.0, store), [spec])
    assert found[spec.id].cost.resumed_epochs == 3
    assert found[spec.id].numbers() == expected[spec.id].numbers()
    assert store.known() == set()


class Chunked(WarmWorker):
    """Looks up after each epoch."""

    def equip(self, *arguments: Any) -> Any:
        from service.training import course

        course.CHUNK_SECONDS = 0.0
        return super().equip(*arguments)


@pytest.mark.parametrize("through", ["disk", pytest.param("keeper", marks=pytest.mark.slow)])
def test_a_lost_workers_trial_goes_on_where_it_was(
    pool: Callable[..., RayPool], ray: Any, toy_spec: Spec, tmp_path: Path, inline: Any,
    finish: Any, through: str, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("service.execution.ray_lending.WarmWorker", Chunked)
    seeds = Seeds(split=1, weights=5, order=5)
    specs = [toy_spec(epochs=EPOCHS), toy_spec(epochs=EPOCHS, seeds=seeds)]
    expected = finish(inline, specs)
    folder = tmp_path / "kept"
    kept = Folder(folder) if through == "disk" else Kept.hire(ray, folder)
    store = Mortal(kept, tmp_path / "saves", 3, exit_at_once)
    found = finish(pool(max_parallel=1, checkpoints=store), specs)
    assert sorted((r.cost.attempt, r.cost.resumed_epochs) for r in found.values()) == [
        (1, 0),
        (2, 3),
    ]
    for spec in specs:
        assert found[spec.id].numbers() == expected[spec.id].numbers()
    if through == "disk":
        assert store.known() == set()
