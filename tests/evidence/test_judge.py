"""Audit and judgement: what makes a verdict, what makes it invalid, and that it mirrors."""

from __future__ import annotations

import json
import random

import pytest

from service.contracts.plan import RangePlan
from service.contracts.trial import Stage, Status, TrialSpec
from service.evidence import judge, latest
from service.evidence.edges import at_an_edge
from service.stats.verdict import Decision, Verdict
from tests.evidence import synthetic


def edited(row, **spec):
    changed = TrialSpec.model_validate({**row.spec.model_dump(), **spec})
    return row.model_copy(update={"spec": changed})


def check(judgement, words):
    found = [c for c in judgement.checks if words in c.name]
    assert len(found) == 1
    return found[0]


def test_a_fair_experiment_gets_its_verdict():
    made = synthetic.experiment(truth=synthetic.Truth(effect=0.05))
    judged = judge(made.plan, made.pair, made.results, 0)
    assert judged.verdict.decision is Decision.FUNCTIONAL_BETTER
    assert judged.verdict.look_alpha == pytest.approx(0.0005, abs=2e-5)
    assert all(c.passed for c in judged.checks if not c.warning)
    assert judged.sentence.startswith("Functional is better by ")
    assert judged.verdict.cost_ratios["FLOPs"] == pytest.approx(1.35)


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_swapping_the_variants_mirrors_everything(direction: str):
    plan = synthetic.make_plan([synthetic.pair_plan(direction=direction)])
    made = synthetic.experiment(plan=plan, truth=synthetic.Truth(effect=0.05))
    turned = synthetic.swapped(made)
    one = judge(made.plan, made.pair, made.results, 0)
    # The control belongs to the reference, and so does not belong to the other one.
    results = [r for r in made.results if r.spec.stage is not Stage.CONTROL]
    two = judge(turned.plan, turned.pair, results, 0)
    assert one.verdict.decision is Decision.FUNCTIONAL_BETTER
    assert two.verdict.decision is Decision.SEQUENTIAL_BETTER
    assert two.tally.differences == tuple(-d for d in one.tally.differences)
    assert two.verdict.interval == pytest.approx([-x for x in reversed(one.verdict.interval)])
    assert two.verdict.improvement == pytest.approx(1 - one.verdict.improvement)
    assert two.verdict.costlier_sequential == one.verdict.costlier_functional
    assert two.sentence == one.sentence


def test_judgement_depends_on_values_only():
    made = synthetic.experiment(repetitions=20)
    expected = judge(made.plan, made.pair, made.results, 1).to_dict()
    shuffled = list(made.results)
    random.Random(1).shuffle(shuffled)
    assert judge(made.plan, made.pair, shuffled, 1).to_dict() == expected
    assert json.loads(json.dumps(expected, allow_nan=False)) == expected
    restored = Verdict.from_dict(json.loads(json.dumps(expected["verdict"])))
    assert restored == judge(made.plan, made.pair, made.results, 1).verdict


def test_one_extra_trial_is_invalid():
    made = synthetic.experiment()
    extra = edited(made.results[0], number=8)
    judged = judge(made.plan, made.pair, [*made.results, extra], 0)
    assert judged.verdict.decision is Decision.INVALID
    assert "sequential had 9 of 8 search trials in repetition 0" in judged.sentence


def test_an_extra_trial_is_invalid_before_its_repetition_is_finished():
    made = synthetic.experiment()
    kept = [r for r in made.results if r.spec.repetition or r.spec.stage is Stage.SEARCH]
    judged = judge(made.plan, made.pair, [*kept, edited(kept[0], number=8)], 0)
    assert not judged.tally.repetitions[0].finished
    assert judged.verdict.decision is Decision.INVALID


def test_dropping_failed_trials_gives_no_verdict():
    made = synthetic.experiment()
    kept = [r for r in made.results if r.ok]
    assert len(kept) < len(made.results)
    assert not judge(made.plan, made.pair, kept, 0).verdict.final


@pytest.mark.parametrize(
    ("change", "words", "reason"),
    [
        ({"data": "another"}, "same data", "the data differ"),
        ({"code": "another"}, "same data", "the code differs"),
        ({"epochs": 21}, "epoch cap", "epoch caps [20, 21]"),
    ],
)
def test_unequal_conditions_are_invalid(change, words, reason):
    made = synthetic.experiment()
    place = next(i for i, r in enumerate(made.results) if r.spec.variant == "functional")
    results = list(made.results)
    results[place] = edited(results[place], **change)
    judged = judge(made.plan, made.pair, results, 0)
    assert judged.verdict.decision is Decision.INVALID
    assert reason in check(judged, words).detail
    assert reason in judged.sentence


def test_another_split_is_invalid():
    made = synthetic.experiment()
    row = made.results[0]
    seeds = row.spec.seeds.model_copy(update={"split": 1}).model_dump()
    judged = judge(made.plan, made.pair, [edited(row, seeds=seeds), *made.results[1:]], 0)
    assert "split seeds differ in repetition 0" in judged.sentence
    results = [
        r.model_copy(update={"baseline_score": 0.5})
        if r.spec.variant == "functional" and r.baseline_score
        else r
        for r in made.results
    ]
    assert "baseline scores differ" in judge(made.plan, made.pair, results, 0).sentence


def test_unmatched_sizes_are_invalid_only_where_sizes_are_matched():
    made = synthetic.experiment()
    results = [
        r.model_copy(update={"parameters": 13_000}) if r.spec.variant == "functional" else r
        for r in made.results
    ]
    judged = judge(made.plan, made.pair, results, 0)
    assert "sizes are not matched: 8.8% apart in repetition 0" in judged.sentence
    free = synthetic.experiment(plan=synthetic.make_plan([synthetic.pair_plan(budget=None)]))
    judged = judge(free.plan, free.pair, free.results, 0)
    assert check(judged, "parameters").passed is None
    assert judged.verdict.decision is not Decision.INVALID


def test_a_control_that_differs_is_invalid_and_one_not_run_is_unknown():
    made = synthetic.experiment()
    results = [
        r.model_copy(update={"weights_digest": "other"})
        if r.spec.stage is Stage.CONTROL and r.spec.repetition == 7
        else r
        for r in made.results
    ]
    judged = judge(made.plan, made.pair, results, 0)
    assert "the control differs from sequential in repetition 7" in judged.sentence
    without = synthetic.experiment(control=False)
    judged = judge(without.plan, without.pair, without.results, 0)
    assert check(judged, "control").passed is None
    assert judged.verdict.decision is not Decision.INVALID


def test_a_variant_below_the_baseline_is_invalid():
    made = synthetic.experiment()
    results = [
        r.model_copy(update={"test_score": 0.05})
        if r.spec.variant == "functional" and r.spec.stage is Stage.RETRAIN
        else r
        for r in made.results
    ]
    assert (
        "functional did not beat the baseline" in judge(made.plan, made.pair, results, 0).sentence
    )


def test_too_many_failures_are_invalid():
    made = synthetic.experiment(truth=synthetic.Truth(diverge=False))
    results = [
        synthetic.failing(r, Status.DIVERGED, "loss is NaN")
        if r.spec.variant == "functional" and r.spec.stage is Stage.SEARCH and r.spec.number < 3
        else r
        for r in made.results
    ]
    judged = judge(made.plan, made.pair, results, 0)
    assert "30 of 100 trainings of functional failed" in judged.sentence


def test_too_many_missing_repetitions_are_invalid():
    made = synthetic.experiment()
    results = [
        synthetic.failing(r, Status.FAILED, "boom")
        if r.spec.stage is Stage.RETRAIN and r.spec.repetition < 3
        else r
        for r in made.results
    ]
    judged = judge(made.plan, made.pair, results, 0)
    assert judged.verdict.decision is Decision.INVALID
    assert judged.sentence.count("3 of 10 repetitions have no result") == 1
    # What the audit says and what the verdict says are one list.
    assert judged.verdict.reasons == tuple(c.reason for c in judged.checks if c.reason)


def test_before_a_look_there_is_no_verdict():
    made = synthetic.experiment(repetitions=6)
    judged = judge(made.plan, made.pair, made.results, 0)
    assert judged.verdict.decision is Decision.INCONCLUSIVE
    assert not judged.verdict.final
    assert judged.sentence.startswith("No verdict yet after 6 repetitions, the look being at 10")
    nothing = judge(made.plan, made.pair, [], 0)
    assert nothing.verdict.n_planned == 0
    assert all(c.passed is None for c in nothing.checks)


def test_latest_goes_as_far_as_the_campaign_went():
    unclear = synthetic.Truth(effect=0.008, sd=0.03)
    for run, look in ((10, 0), (14, 0), (20, 1), (30, 2)):
        made = synthetic.experiment(truth=unclear, repetitions=run)
        assert latest(made.plan, made.pair, made.results).verdict.look == look
    clear = synthetic.experiment(truth=synthetic.Truth(effect=0.06), repetitions=30)
    assert latest(clear.plan, clear.pair, clear.results).verdict.look == 0


def test_an_optimum_at_the_edge_is_a_warning():
    made = synthetic.experiment()
    results = []
    for row in made.results:
        if row.spec.variant == "functional":
            tuned = {**row.hyperparameters, "dropout": 0.5}
            row = row.model_copy(update={"hyperparameters": tuned})
        results.append(row)
    judged = judge(made.plan, made.pair, results, 0)
    edge = check(judged, "edge")
    assert edge.passed is False
    assert edge.reason is None
    assert "functional's dropout at its upper end in 10/10 repetitions" in judged.warnings[0]
    assert judged.verdict.decision is not Decision.INVALID


def test_edges_on_linear_log_whole_and_choice_ranges():
    space = {
        "rate": RangePlan(kind="real", low=1e-4, high=1e-1, log=True),
        "layers": RangePlan(kind="whole", low=1, high=4),
        "width": RangePlan(kind="choice", values=(16, 32, 64)),
        "two": RangePlan(kind="choice", values=(16, 32)),
        "word": RangePlan(kind="choice", values=("relu", "tanh", "gelu")),
    }
    low = {"rate": 1.3e-4, "layers": 1, "width": 16, "two": 16, "word": "relu"}
    middle = {"rate": 1e-2, "layers": 2, "width": 32, "two": 32, "word": "relu"}
    found = at_an_edge(space, [low, low, middle])
    assert found == [
        ("layers", "lower end", 2),
        ("rate", "lower end", 2),
        ("width", "lower end", 2),
    ]
    assert at_an_edge(space, [low, middle]) == []


@pytest.mark.parametrize(("pruned", "fair"), [((4, 4), True), ((6, 1), False)])
def test_pruning_that_stops_one_variant_more_often_is_told(
    pruned: tuple[int, int], fair: bool
) -> None:
    plan = synthetic.make_plan()
    plan = plan.model_copy(update={"search": plan.search.model_copy(update={"pruner": "median"})})
    made = synthetic.experiment(plan=plan, truth=synthetic.Truth(diverge=False))
    most = dict(zip(made.pair.variants, pruned, strict=True))
    results = [
        row.model_copy(update={"status": Status.PRUNED})
        if row.spec.stage is Stage.SEARCH and row.spec.number < most[row.spec.variant]
        else row
        for row in made.results
    ]
    judged = latest(plan, made.pair, results)
    check = next(c for c in judged.checks if c.name.startswith("The pruner"))
    assert (check.passed, check.reason) == (fair, None)
    assert ("sequential 75% of its trials" in check.detail) == (not fair)
