"""One behaviour, whichever executor runs the trials."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.contracts.errors import ArchduelError
from service.contracts.results import TrialResult
from service.contracts.trial import Runtime, Seeds, Stage, Status, TrialSpec
from service.execution import ray_session
from service.execution.ray_actor import WarmWorker
from service.execution.ray_pool import RayPool

Spec = Callable[..., TrialSpec]
Finish = Callable[..., dict[str, TrialResult]]


def batch(toy_spec: Spec, count: int, *modes: str, **changes: Any) -> list[TrialSpec]:
    seeds = [Seeds(split=1, weights=number, order=number) for number in range(count)]
    given = list(modes) + [None] * (count - len(modes))
    return [
        toy_spec(mode, number=number, seeds=seed, **changes)
        for number, (mode, seed) in enumerate(zip(given, seeds, strict=True))
    ]


@pytest.fixture(scope="module")
def expected(toy_spec: Spec, toy: Any, toy_data: Any, finish: Finish) -> dict[str, Any]:
    """What the inline executor makes of six trials and a control."""
    from service.execution.inline import InlineExecutor

    inline = InlineExecutor({"toy": toy}, {"toy": toy_data}, Runtime(), 60.0)
    found = finish(inline, batch(toy_spec, 6), [control(toy_spec)])
    return {identity: result.numbers() for identity, result in found.items()}


def control(toy_spec: Spec) -> TrialSpec:
    return toy_spec(stage=Stage.CONTROL, variant="control")


@pytest.mark.parametrize("workers", [1, 2])
def test_ray_gives_the_numbers_of_inline_to_the_bit(
    pool: Callable[..., RayPool], toy_spec: Spec, finish: Finish, expected: Any, workers: int
) -> None:
    ray_pool = pool(max_parallel=workers)
    assert ray_pool.slots == workers
    found = finish(ray_pool, batch(toy_spec, 6), [control(toy_spec)])
    assert {identity: result.numbers() for identity, result in found.items()} == expected
    assert len({result.cost.worker for result in found.values()}) == workers


@pytest.mark.parametrize("kind", ["inline", "ray"])
def test_every_trial_comes_back_with_its_status(
    request: pytest.FixtureRequest, toy_spec: Spec, finish: Finish, kind: str
) -> None:
    executor = (
        request.getfixturevalue("inline") if kind == "inline" else request.getfixturevalue("pool")()
    )
    found = finish(executor, batch(toy_spec, 4, "raise", "nan", "memory"))
    statuses = [result.status for result in sorted(found.values(), key=lambda r: r.spec.number)]
    assert statuses == [Status.FAILED, Status.DIVERGED, Status.OUT_OF_MEMORY, Status.OK]
    assert executor.collect() == []


def test_a_worker_killed_during_a_trial_costs_no_result(
    pool: Callable[..., RayPool], toy_spec: Spec, finish: Finish, tmp_path: Path
) -> None:
    heard: list[str] = []
    specs = batch(toy_spec, 4, f"die-once:{tmp_path / 'died'}")
    found = finish(pool(say=heard.append), specs)
    assert {result.status for result in found.values()} == {Status.OK}
    assert found[specs[0].id].cost.attempt == 2
    assert found[specs[1].id].cost.attempt == 1
    assert sum("is tried again" in text for text in heard) == 1


def test_kill_minus_nine_from_outside_changes_no_number(
    pool: Callable[..., RayPool], toy_spec: Spec, finish: Finish, expected: Any, tmp_path: Path
) -> None:
    """One trial more, in the same batch, tells its worker's process and waits to be killed."""
    told = tmp_path / "process"
    waits = toy_spec(f"hang-once:{told}", number=6)

    def kill() -> None:
        while not told.exists():
            time.sleep(0.05)
        os.kill(int(told.read_text()), signal.SIGKILL)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    specs = batch(toy_spec, 6)
    found = finish(pool(max_parallel=1), [*specs[:3], waits, *specs[3:]], [control(toy_spec)])
    assert found.pop(waits.id).cost.attempt == 2
    assert {identity: result.numbers() for identity, result in found.items()} == expected


def test_a_trial_that_loses_every_worker_is_lost_and_takes_no_other_with_it(
    pool: Callable[..., RayPool], toy_spec: Spec, finish: Finish
) -> None:
    specs = batch(toy_spec, 3, "die")
    found = finish(pool(), specs)
    assert found[specs[0].id].status is Status.LOST
    assert found[specs[0].id].cost.attempt == 3
    assert (found[specs[0].id].reason or "").startswith("lost 3 workers")
    assert {found[spec.id].status for spec in specs[1:]} == {Status.OK}


def test_trials_that_lose_a_worker_together_are_tried_again_alone(
    pool: Callable[..., RayPool], toy_spec: Spec, finish: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fragile(WarmWorker):
        def run(self, specs: list[TrialSpec], *others: Any) -> Any:
            if len(specs) > 1:
                os._exit(1)
            return super().run(specs, *others)

    monkeypatch.setattr("service.execution.ray_lending.WarmWorker", Fragile)
    heard: list[str] = []
    together = batch(toy_spec, 5, strategy="vmap/4")
    found = finish(pool(max_parallel=1, say=heard.append), together)
    assert sorted(result.cost.attempt for result in found.values()) == [1, 2, 2, 2, 2]
    assert Status.LOST not in {result.status for result in found.values()}
    assert sum("its 4 trials are tried again" in text for text in heard) == 1


def test_a_trial_that_hangs_is_killed_and_the_others_go_on(
    pool: Callable[..., RayPool], toy_spec: Spec, finish: Finish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.execution.ray_pool.GRACE_SECONDS", 1.0)
    specs = batch(toy_spec, 3, "hang")
    found = finish(pool(timeout=8.0), specs)
    assert found[specs[0].id].status is Status.TIMED_OUT
    assert {found[spec.id].status for spec in specs[1:]} == {Status.OK}


def test_a_worker_that_grows_is_replaced(
    pool: Callable[..., RayPool], toy_spec: Spec, finish: Finish
) -> None:
    heard: list[str] = []
    ray_pool = pool(max_parallel=1, say=heard.append, recycle_growth=700 * 1024**2)
    first = finish(ray_pool, batch(toy_spec, 1, f"grow:{1200 * 1024**2}"))
    second = finish(ray_pool, batch(toy_spec, 2)[1:])
    workers = {result.cost.worker for result in [*first.values(), *second.values()]}
    assert len(workers) == 2
    assert heard.count("a worker has grown too large; another takes its place") == 1


def test_a_worker_that_cannot_start_is_one_clear_error(
    pool: Callable[..., RayPool], toy_spec: Spec
) -> None:
    torch = Runtime(backend="torch")
    broken = pool(max_parallel=1, settings=torch)
    broken.submit([toy_spec(runtime=torch)])
    with pytest.raises(ArchduelError, match=r"a worker could not start: .*torch is not installed"):
        broken.collect()


def test_more_than_the_cluster_has_is_refused(pool: Callable[..., RayPool]) -> None:
    with pytest.raises(ArchduelError, match="no node of the Ray cluster has the 64 CPUs"):
        pool(settings=Runtime(threads=64))


def test_a_private_ray_is_private(ray: Any) -> None:
    """A second process that asks for a private Ray gets its own, not this one's."""
    code = (
        "from service.execution import ray_session\n"
        "ray = ray_session.connect(None, cpus=1)\n"
        "print(ray_session.places(ray, 1, 0), ray.get_runtime_context().gcs_address)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    cpus, address = done.stdout.split()
    assert cpus == "1"
    assert address != ray.get_runtime_context().gcs_address


def test_workers_that_die_while_starting_end_the_run_and_cost_no_trial(
    pool: Callable[..., RayPool], toy_spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    class StillBorn(WarmWorker):
        def __init__(self, *arguments: Any) -> None:
            os._exit(1)

    monkeypatch.setattr("service.execution.ray_lending.WarmWorker", StillBorn)
    dying = pool(max_parallel=1)
    dying.submit([toy_spec()])
    with pytest.raises(ArchduelError, match="a worker could not start"):
        dying.collect()


class Stopped(BaseException):
    """What a signal handler raises."""


def test_what_a_signal_handler_raises_while_ray_waits_is_not_lost() -> None:
    class Ray:
        def wait(self, references: list[Any], **options: Any) -> Any:
            raise SystemError("returned a result with an exception set") from Stopped()

    with pytest.raises(Stopped):
        ray_session.first_of(Ray(), [object()], 1.0)
