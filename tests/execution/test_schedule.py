"""Who gets which trials: makespans against their lower bounds, compilations, groups, retries."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from service.contracts.results import Cost, TrialResult
from service.contracts.strategy import Timing, program_key
from service.contracts.trial import Seeds, Status, TrialSpec
from service.execution.estimates import COMPILE_SECONDS, Estimates
from service.execution.schedule import SHARE_SECONDS, Schedule, Task
from tests.execution.simulation import Simulation

Make = Callable[..., TrialSpec]


@pytest.fixture
def make(toy_spec: Make) -> Make:
    """Specs by pair, program and number, all different."""

    def made(program: int, number: int, pair: str = "toy", **changes: Any) -> TrialSpec:
        hyperparameters = {"learning_rate": 0.01, "batch_size": 16, "layers": program}
        seeds = Seeds(split=1, weights=number, order=number)
        fields = {"hyperparameters": hyperparameters, "seeds": seeds, "number": number}
        return toy_spec(pair=pair, **{**fields, **changes})

    return made


def measured(epoch_seconds: dict[str, float]) -> Estimates:
    """What measurements before the first trial told, by pair."""
    estimates = Estimates()
    for pair, seconds in epoch_seconds.items():
        timing = Timing(
            variant="sequential",
            strategy="graph",
            compile_seconds=COMPILE_SECONDS,
            epoch_seconds=seconds,
        )
        estimates.calibrate(pair, timing)
    return estimates


def test_few_programs_are_compiled_twice(make: Make) -> None:
    """Eight programs whose compilation takes as long as forty of their trainings."""
    specs = [make(number % 8, number) for number in range(320)]
    done = Simulation(2, train=lambda spec: 0.07, compile=lambda spec: 2.8).run(specs)
    assert len(done.ended) == len(specs)
    assert done.compiled == 8
    assert done.makespan <= 1.1 * done.bound(specs)


def test_one_program_is_compiled_by_all_where_that_is_worth_it(make: Make) -> None:
    many = [make(0, number) for number in range(400)]
    done = Simulation(2, train=lambda spec: 0.1, compile=lambda spec: 2.0).run(many)
    assert done.compiled == 2
    assert done.makespan <= 1.1 * done.bound(many)
    few = Simulation(2, train=lambda spec: 0.1, compile=lambda spec: 2.0).run(many[:8])
    assert few.compiled == 1, "the other worker would still be compiling when all are done"


def test_a_long_trial_does_not_come_last(make: Make) -> None:
    """What was calibrated tells which trials are long before any has ended."""
    specs = [make(0, number) for number in range(300)] + [make(0, 0, "large")]
    seconds = {"toy": 0.5, "large": 60.0}
    known = measured({pair: took / 3 for pair, took in seconds.items()})
    done = Simulation(2, lambda spec: seconds[spec.pair], lambda spec: 1.0, known).run(specs)
    assert done.makespan <= 1.03 * done.bound(specs)


@pytest.mark.parametrize("workers", [2, 4, 16])
@pytest.mark.parametrize("seed", range(5))
def test_makespans_of_mixed_pairs(make: Make, workers: int, seed: int) -> None:
    """Sixteen pairs of very different length, nothing known beforehand, noise on every trial."""
    draw = random.Random(seed)
    mean = {f"pair {number}": 10 ** draw.uniform(-1.5, 1.0) for number in range(16)}
    specs = [
        make(draw.randrange(4), number, draw.choice(sorted(mean))) for number in range(80 * workers)
    ]
    noise = {spec.id: draw.uniform(0.8, 1.25) for spec in specs}
    done = Simulation(workers, lambda spec: mean[spec.pair] * noise[spec.id], lambda spec: 1.5).run(
        specs
    )
    assert len(done.ended) == len(specs)
    assert done.makespan <= 1.15 * done.bound(specs)


def test_studies_that_go_on_batch_by_batch(make: Make) -> None:
    """Ten studies of ten batches: a batch begins when all of the one before has ended."""
    draw = random.Random(3)
    batches = {
        (study, batch): [
            make(draw.randrange(6), 1000 * study + 10 * batch + place, repetition=study)
            for place in range(4)
        ]
        for study in range(10)
        for batch in range(10)
    }
    of = {spec.id: where for where, batch in batches.items() for spec in batch}
    left = {where: len(batch) for where, batch in batches.items()}

    def following(spec: TrialSpec) -> list[TrialSpec]:
        study, batch = of[spec.id]
        left[study, batch] -= 1
        return [] if left[study, batch] else batches.get((study, batch + 1), [])

    first = [spec for study in range(10) for spec in batches[study, 0]]
    every = [spec for batch in batches.values() for spec in batch]
    done = Simulation(2, lambda spec: 0.1, lambda spec: 2.0).run(first, following)
    assert len(done.ended) == len(every)
    assert done.compiled <= 8
    assert done.makespan <= 1.15 * done.bound(every)


def test_groups_are_full_where_trials_suffice(make: Make) -> None:
    specs = [make(number % 2, number, strategy="vmap/8") for number in range(64)]
    done = Simulation(2, lambda spec: 0.1, lambda spec: 1.0).run(specs)
    assert sorted(done.parcels) == [8] * 8


def test_what_trains_together_shares_all_but_seeds_and_learning_rate(make: Make) -> None:
    schedule = Schedule(Estimates(), slots=1)
    schedule.join("worker")
    specs = [make(number % 3, number, strategy="vmap/16") for number in range(30)]
    schedule.submit(map(Task, specs))
    while share := schedule.share("worker"):
        for parcel in share:
            assert len({program_key(task.spec) for task in parcel}) == 1
            schedule.ended("worker")
    assert schedule.waiting == 0


def test_one_that_must_be_alone_is_alone_and_first(make: Make) -> None:
    schedule = Schedule(Estimates(), slots=1)
    schedule.join("worker")
    specs = [make(0, number, strategy="vmap/4") for number in range(6)]
    schedule.submit(map(Task, specs[2:]))
    schedule.put_back([Task(spec, attempt=2, alone=True) for spec in specs[:2]])
    given = []
    while share := schedule.share("worker"):
        given.extend(share)
    assert [[task.spec.number for task in parcel] for parcel in given] == [[0], [1], [2, 3, 4, 5]]


def test_what_a_lost_worker_had_compiled_is_compiled_again(make: Make) -> None:
    schedule = Schedule(Estimates(), slots=2)
    schedule.join("first")
    schedule.submit(Task(make(0, number)) for number in range(2))
    assert schedule.share("first")
    schedule.join("second")
    assert schedule.share("second") == [], "the first is done before the second has compiled it"
    schedule.leave("first")
    assert schedule.share("second")


def test_one_that_takes_longer_than_believed_is_not_waited_for(make: Make) -> None:
    schedule = Schedule(measured({"toy": 0.01}), slots=2)
    for worker in ("first", "second"):
        schedule.join(worker)
    schedule.submit(Task(make(0, number)) for number in range(2))
    schedule.share("first")
    assert schedule.share("second") == []
    schedule.takes("first", 3 * COMPILE_SECONDS)
    assert schedule.share("second")


def test_shares_are_bounded_in_seconds_and_shrink(make: Make) -> None:
    known = measured({"toy": 0.02})
    schedule = Schedule(known, slots=2)
    schedule.join("worker")
    schedule.submit(Task(make(0, number)) for number in range(500))
    sizes = []
    while share := schedule.share("worker"):
        sizes.append(len(share))
        for _ in share:
            schedule.ended("worker")
    assert max(sizes) * 0.06 <= SHARE_SECONDS + 0.06
    assert sizes[-1] == 1
    late = sizes[len(sizes) // 2 :]
    assert late == sorted(late, reverse=True)


def result(spec: TrialSpec, total: float, compiling: float = 0.0, **changes: Any) -> TrialResult:
    cost = Cost(total_seconds=total, compile_seconds=compiling, reused_program=not compiling)
    return TrialResult(**{"spec": spec, "status": Status.OK, "epochs": 3, "cost": cost, **changes})


def test_the_nearest_that_has_ended_tells_how_long_a_trial_takes(make: Make) -> None:
    estimates = measured({"other": 0.5})
    one, two, other = make(0, 0), make(1, 0), make(0, 0, "other")
    estimates.learn(result(one, total=3.0, compiling=2.4))
    estimates.learn(result(two, total=1.2, status=Status.FAILED))
    assert estimates.seconds(one, program_key(one)) == pytest.approx(0.6)
    assert estimates.seconds(two, program_key(two)) == pytest.approx(0.6)
    assert estimates.compilation(two) == pytest.approx(2.4)
    assert estimates.compilation(other) == COMPILE_SECONDS
    assert estimates.seconds(other, program_key(other)) == pytest.approx(1.5)
    twice = make(0, 1, epochs=6)
    assert estimates.seconds(twice, program_key(twice)) == pytest.approx(1.2)


def test_a_guess_is_scaled_by_how_wrong_guesses_were(make: Make) -> None:
    estimates = Estimates(examples={"toy": 100, "other": 300})
    small, large = make(0, 0), make(0, 0, "other")
    guessed = [estimates.seconds(spec, program_key(spec)) for spec in (small, large)]
    estimates.learn(result(small, total=7 * guessed[0]))
    assert estimates.seconds(large, program_key(large)) == pytest.approx(7 * guessed[1])


def test_a_try_that_went_with_its_node_is_not_counted(make: Make) -> None:
    first = Task(make(0, 0))
    assert (first.blamed, first.again().blamed) == (0, 1)
    gone_twice = first.again(excused=True).again(excused=True)
    assert (gone_twice.attempt, gone_twice.blamed) == (3, 0)
    assert gone_twice.again().blamed == 1
    assert not gone_twice.alone
    assert gone_twice.again(alone=True).again().alone, "once alone, always alone"


@pytest.mark.parametrize("seed", range(5))
def test_sums_that_are_kept_are_those_made_anew(
    make: Make, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers join, work, are late, forget programs and are lost, by chance."""
    monkeypatch.setattr("service.execution.schedule.PROGRAMS", 3)
    draw = random.Random(seed)
    schedule = Schedule(Estimates(), 4)
    given: dict[int, list[Task]] = {}
    for step in range(600):
        act, worker = draw.choice(("submit", "join", "share", "end", "late", "leave")), step
        if given and act != "join":
            worker = draw.choice(list(given))
        if act == "submit":
            schedule.submit(Task(make(draw.randrange(8), 8 * step + n)) for n in range(4))
        elif act == "join" and len(given) < 4:
            given[worker] = []
            schedule.join(worker)
        elif act == "share" and worker in given:
            given[worker] += [parcel[0] for parcel in schedule.share(worker)]
        elif act == "end" and given.get(worker):
            given[worker].pop(0)
            schedule.ended(worker)
        elif act == "late" and given.get(worker):
            schedule.takes(worker, 10 * draw.random())
        elif act == "leave" and worker in given and draw.random() < 0.2:
            schedule.leave(worker)
            schedule.put_back(given.pop(worker))
        desks = schedule._desks.values()
        assert schedule._load == pytest.approx(sum(sum(desk.open) for desk in desks), abs=1e-9)
        held = {program for desk in desks for program in desk.programs}
        assert schedule._holders.keys() == held
        for program, holders in schedule._holders.items():
            having = [desk for desk in desks if program in desk.programs]
            assert holders.count == len(having)
            assert holders.load == pytest.approx(sum(desk.load for desk in having), abs=1e-9)
