"""The loop gives the same numbers whatever the world does to it."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.campaign import Campaign
from service.contracts.errors import ArchduelError
from service.contracts.plan import DesignPlan, SearchPlan
from service.contracts.trial import Stage, Status, TrialSpec
from service.evidence import judge

TUNED = (Stage.SEARCH, Stage.RETRAIN)


def run(
    world: Any, plan: Any = None, executor: Any = None, notebook: Any = None
) -> tuple[Any, Any, Any]:
    plan, executor = plan or world.plan(), executor or world.Shuffled()
    notebook, listener = notebook or world.Notebook(), world.Listener()
    findings = Campaign(plan, executor, notebook, world.propose, listener).run()
    return findings, notebook, listener


def test_it_runs_exactly_what_was_planned(world: Any) -> None:
    plan = world.plan()
    _, notebook, listener = run(world, plan)
    stages = Counter(result.spec.stage for result in notebook.kept.values())
    assert {stage.value: count for stage, count in stages.items()} == plan.trainings
    last = listener.news[-1]
    assert last.done == last.planned == sum(plan.trainings.values())


def test_both_variants_share_split_and_seeds(world: Any) -> None:
    _, notebook, _ = run(world)
    seeds: dict[Any, set[Any]] = {}
    splits: dict[int, set[int]] = {}
    for result in notebook.kept.values():
        spec = result.spec
        if spec.stage is not Stage.CONTROL:
            seeds.setdefault((spec.repetition, spec.stage, spec.number), set()).add(spec.seeds)
        splits.setdefault(spec.repetition, set()).add(spec.seeds.split)
    assert all(len(found) == 1 for found in seeds.values())
    assert len({one for found in seeds.values() for one in found}) == len(seeds)
    assert all(len(found) == 1 for found in splits.values())
    assert len({split for found in splits.values() for split in found}) == 4


def test_the_winner_is_retrained_and_the_control_has_its_first_seeds(world: Any) -> None:
    _, notebook, _ = run(world)
    rows = [
        r
        for r in notebook.kept.values()
        if r.spec.repetition == 0 and r.spec.variant != "functional"
    ]
    best = max((r for r in rows if r.spec.stage is Stage.SEARCH), key=lambda r: r.score)
    retrained = [r.spec for r in rows if r.spec.stage is Stage.RETRAIN]
    control = next(r.spec for r in rows if r.spec.stage is Stage.CONTROL)
    assert {s.number for s in retrained} == {0, 1}
    assert all(s.hyperparameters == best.spec.hyperparameters for s in [*retrained, control])
    assert control.seeds == next(s.seeds for s in retrained if s.number == 0)


def test_the_order_of_the_variants_is_not_always_the_same(world: Any) -> None:
    plan = world.plan(design=DesignPlan(looks=(12,), retrain=1, confidence=0.95, seed=0))
    first: dict[int, str] = {}

    class Watching(world.Shuffled):  # type: ignore[misc, name-defined]
        def submit(self, batch: list[TrialSpec]) -> None:
            first.setdefault(batch[0].repetition, batch[0].variant)
            super().submit(batch)

    run(world, plan, Watching())
    assert set(first.values()) == {"sequential", "functional"}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), at_most=st.integers(1, 9))
def test_who_finishes_first_changes_nothing(world: Any, seed: int, at_most: int) -> None:
    _, expected, _ = run(world)
    _, found, _ = run(world, executor=world.Shuffled(seed=seed, at_most=at_most))
    assert found.numbers() == expected.numbers()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=5), st.integers(0, 1000))
def test_a_campaign_killed_and_resumed_runs_no_trial_twice(
    world: Any, deaths: list[int], seed: int
) -> None:
    findings, expected, _ = run(world)
    notebook, ran = world.Notebook(), []
    for death in [*deaths, None]:
        executor = world.Shuffled(seed=seed, dies_after=death, at_most=1)
        with suppress(KeyboardInterrupt):
            resumed, _, _ = run(world, executor=executor, notebook=notebook)
        ran += executor.ran
    assert notebook.numbers() == expected.numbers()
    assert len(ran) == len(set(ran))
    assert resumed["made-up"].judgement.to_dict() == findings["made-up"].judgement.to_dict()


def test_a_finished_campaign_starts_nothing(world: Any) -> None:
    _, notebook, _ = run(world)
    again = world.Shuffled()
    run(world, executor=again, notebook=notebook)
    assert again.ran == []


def test_a_variant_that_always_fails_is_told_not_hidden(world: Any) -> None:
    def failing(spec: TrialSpec) -> Any:
        bad = spec.variant == "functional"
        return world.outcome(spec, status=Status.FAILED if bad else Status.OK)

    findings, notebook, _ = run(world, executor=world.Shuffled(run=failing))
    verdict = findings["made-up"].judgement.verdict
    assert verdict.decision.value == "invalid"
    assert verdict.n_ok == 0
    assert not [
        r
        for r in notebook.kept.values()
        if r.spec.variant == "functional" and r.spec.stage is Stage.RETRAIN
    ]


@pytest.mark.parametrize(("effect", "looks_taken"), [(0.5, 1), (0.0, 3)])
def test_it_stops_at_the_look_that_decides(world: Any, effect: float, looks_taken: int) -> None:
    looks = (6, 9, 12)
    design = DesignPlan(looks=looks, retrain=1, confidence=0.95, seed=1)
    plan = world.plan(pairs=(world.pair(margin=0.001),), design=design)
    executor = world.Shuffled(run=lambda spec: world.outcome(spec, effect=effect))
    findings, notebook, listener = run(world, plan, executor)
    assert findings["made-up"].look == looks_taken - 1
    assert len({r.spec.repetition for r in notebook.kept.values()}) == looks[looks_taken - 1]
    assert any("trainings saved" in text for text in listener.said) == (looks_taken < 3)


def test_pairs_are_decided_each_for_itself(world: Any) -> None:
    pairs = (world.pair(margin=0.001), world.pair("other"))
    design = DesignPlan(looks=(6, 9), retrain=1, confidence=0.95, seed=1)

    def effect(spec: TrialSpec) -> Any:
        return world.outcome(spec, effect=0.5 if spec.pair == "other" else 0.0)

    findings, _, _ = run(world, world.plan(pairs=pairs, design=design), world.Shuffled(run=effect))
    assert (findings["made-up"].look, findings["other"].look) == (1, 0)


def test_median_bars_travel_with_the_trials(world: Any) -> None:
    search = SearchPlan(trials=8, sampler="random", pruner="median", batch=4)
    _, notebook, _ = run(world, world.plan(search=search))
    bars = {
        (r.spec.number < 4, len(r.spec.prune_at))
        for r in notebook.kept.values()
        if r.spec.stage is Stage.SEARCH
    }
    assert bars == {(True, 0), (False, 3)}


def test_an_executor_that_swallows_trials_is_found_out(world: Any) -> None:
    class Swallowing(world.Shuffled):  # type: ignore[misc, name-defined]
        def submit(self, batch: list[TrialSpec]) -> None:
            super().submit(batch[1:])

    with pytest.raises(ArchduelError, match="lost"):
        run(world, executor=Swallowing())


@pytest.mark.parametrize("anew", ["search", "seeds"])
def test_what_is_fixed_is_the_same_in_all_repetitions(world: Any, anew: str) -> None:
    design = DesignPlan(looks=(3, 5), retrain=2, confidence=0.95, seed=0, anew=anew)
    plan = world.plan(pairs=(world.pair(margin=0.0001),), design=design)
    findings, notebook, listener = run(world, plan)
    specs = [result.spec for result in notebook.kept.values()]
    assert len({spec.seeds.split for spec in specs}) == 1
    searched = {spec.repetition for spec in specs if spec.stage is Stage.SEARCH}
    assert searched == ({0} if anew == "seeds" else {0, 1, 2, 3, 4})
    retrained = [spec for spec in specs if spec.stage is Stage.RETRAIN]
    assert len({(s.repetition, s.seeds.weights) for s in retrained}) == 10
    tuned = {(s.variant, str(s.hyperparameters)) for s in retrained}
    assert len(tuned) == (2 if anew == "seeds" else 10)
    stages = Counter(spec.stage.value for spec in specs)
    assert stages == plan.trainings
    last = listener.news[-1]
    assert last.done == last.planned == sum(plan.trainings.values())
    judgement = findings["made-up"].judgement
    assert [check.reason for check in judgement.checks if check.reason] == []
    told = {"search": "conditional on this split", "seeds": "conditional on this tuning"}[anew]
    assert judgement.sentence.startswith(f"{told.capitalize()}: ")
    assert judgement.warnings[0].startswith(f"{told}: all repetitions share")


@settings(max_examples=10, deadline=None)
@given(death=st.integers(0, 40), seed=st.integers(0, 1000))
def test_a_shared_search_survives_a_kill_and_any_order(world: Any, death: int, seed: int) -> None:
    design = DesignPlan(looks=(3, 5), retrain=1, confidence=0.95, seed=0, anew="seeds")
    plan = world.plan(design=design)
    _, expected, _ = run(world, plan)
    notebook, ran = world.Notebook(), []
    for dies_after in (death, None):
        executor = world.Shuffled(seed=seed, dies_after=dies_after, at_most=1)
        with suppress(KeyboardInterrupt):
            run(world, plan, executor, notebook)
        ran += executor.ran
    assert notebook.numbers() == expected.numbers()
    assert len(ran) == len(set(ran)) == len(expected.kept)


def test_a_split_that_was_to_be_fixed_and_is_not_is_invalid(world: Any) -> None:
    _, notebook, _ = run(world)
    design = DesignPlan(looks=(4,), retrain=2, confidence=0.95, seed=0, anew="search")
    plan = world.plan(design=design)
    judgement = judge(plan, plan.pairs[0], notebook.kept.values(), 0)
    assert "the split was to be fixed" in judgement.verdict.reasons[0]
    assert "onditional" not in judgement.sentence


def test_a_noise_floor_tunes_the_control_apart_and_changes_nothing_else(world: Any) -> None:
    design = DesignPlan(looks=(4,), retrain=2, confidence=0.95, seed=0)
    plain, _, _ = run(world, world.plan(design=design))
    plan = world.plan(design=design.model_copy(update={"noise_floor": True}))
    findings, notebook, listener = run(world, plan)
    specs = [result.spec for result in notebook.kept.values()]
    assert Counter(spec.stage.value for spec in specs) == plan.trainings
    assert listener.news[-1].planned == len(specs) == 4 * (3 * (7 + 2) + 1)
    seeds = {
        variant: {s.seeds.weights for s in specs if s.variant == variant and s.stage in TUNED}
        for variant in ("sequential", "control")
    }
    assert not seeds["sequential"] & seeds["control"]
    assert len({s.seeds.split for s in specs}) == 4
    judged, before = findings["made-up"].judgement, plain["made-up"].judgement
    assert before.noise_floor is None
    assert judged.noise_floor.n_ok == 4
    assert judged.noise_floor.sd > 0
    assert judged.verdict == before.verdict
    assert any(check.name.startswith("Two equal models") for check in judged.checks)
    assert judged.to_dict()["noise_floor"]["n_planned"] == 4


@pytest.mark.parametrize("anew", ["search", "seeds"])
def test_a_noise_floor_goes_with_any_design(world: Any, anew: str) -> None:
    design = DesignPlan(
        looks=(2, 3), retrain=1, confidence=0.95, seed=0, anew=anew, noise_floor=True
    )
    plan = world.plan(design=design)
    findings, notebook, _ = run(world, plan)
    assert Counter(r.spec.stage.value for r in notebook.kept.values()) == plan.trainings
    assert findings["made-up"].judgement.noise_floor.n_ok == 3
