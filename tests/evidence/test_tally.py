"""Tallies: exact numbers, missing values with reasons, no dependence on order."""

from __future__ import annotations

import random

import pytest

from service.contracts.trial import Stage, Status
from service.evidence import tally, winner
from service.evidence.records import plain
from tests.evidence import synthetic


def rows(made, **wanted):
    """Results whose spec has these fields."""
    return [r for r in made.results if all(getattr(r.spec, k) == v for k, v in wanted.items())]


def replaced(made, old, new):
    return [new if r is old else r for r in made.results]


def test_winner_is_best_ok_search_trial_and_ties_go_to_the_lowest_number():
    made = synthetic.experiment()
    search = rows(made, variant="sequential", stage=Stage.SEARCH, repetition=0)
    tied = [r.model_copy(update={"score": 0.5, "status": Status.OK}) for r in search]
    assert winner(made.pair.metric, reversed(tied)).spec.number == 0
    better = [*tied[:3], tied[3].model_copy(update={"score": 0.6}), *tied[4:]]
    assert winner(made.pair.metric, better).spec.number == 3
    pruned = [
        r.model_copy(update={"status": Status.PRUNED}) if r.score == 0.6 else r for r in better
    ]
    assert winner(made.pair.metric, pruned).spec.number == 0
    assert winner(made.pair.metric, []) is None
    retrained = rows(made, stage=Stage.RETRAIN, repetition=0)
    assert winner(made.pair.metric, retrained) is None


def test_winner_of_a_metric_to_be_minimised_is_the_lowest():
    pair = synthetic.pair_plan(direction="minimize", metric="mean absolute error", unit="years")
    made = synthetic.experiment(plan=synthetic.make_plan([pair]))
    search = rows(made, variant="sequential", stage=Stage.SEARCH, repetition=0)
    best = winner(pair.metric, search)
    assert best.score == min(r.score for r in search if r.ok)


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_a_difference_is_the_gain_of_the_mean_of_the_retrained_winners(direction: str):
    made = synthetic.experiment(
        plan=synthetic.make_plan([synthetic.pair_plan(direction=direction)])
    )
    chosen = {("sequential", 0): 0.5, ("sequential", 1): 0.75}
    chosen |= {("functional", 0): 0.875, ("functional", 1): 0.625}
    results = [
        r.model_copy(update={"test_score": chosen[r.spec.variant, r.spec.number]})
        if r.spec.stage is Stage.RETRAIN
        else r
        for r in made.results
    ]
    found = tally(made.plan, made.pair, results, 10)
    expected = 0.125 if direction == "maximize" else -0.125
    assert found.differences == (expected,) * 10
    assert found.repetitions[0].reference.scores == (0.5, 0.75)
    assert found.repetitions[0].challenger.mean == 0.75
    assert (found.n_ok, found.n_planned, found.n_finished) == (10, 10, 10)


def test_order_of_results_does_not_matter():
    made = synthetic.experiment(repetitions=12)
    expected = tally(made.plan, made.pair, made.results, 10)
    shuffled = list(made.results)
    for seed in range(3):
        random.Random(seed).shuffle(shuffled)
        assert tally(made.plan, made.pair, shuffled, 10) == expected
    assert tally(made.plan, made.pair, shuffled + shuffled, 10) == expected


def test_a_missing_repetition_keeps_its_row_and_its_reason():
    made = synthetic.experiment()
    kept = [r for r in made.results if r.spec.repetition != 4]
    found = tally(made.plan, made.pair, kept, 10)
    gap = found.repetitions[4]
    assert gap.difference is None
    assert not gap.finished
    assert "sequential: search not finished, 0 of 8 trials recorded" in gap.missing
    assert len(found.repetitions) == 10
    assert (found.n_ok, found.n_finished, found.n_planned) == (9, 9, 10)


def test_one_failed_retraining_makes_the_difference_missing_not_a_mean_of_survivors():
    made = synthetic.experiment()
    lost = rows(made, variant="functional", stage=Stage.RETRAIN, repetition=2, number=1)[0]
    bad = synthetic.failing(lost, Status.DIVERGED, "the training loss is not finite")
    found = tally(made.plan, made.pair, replaced(made, lost, bad), 10)
    side = found.repetitions[2].challenger
    assert len(side.scores) == 1
    assert side.mean is None
    assert side.missing == "1 of 2 retrained winners have a test score (number 1 diverged)"
    assert found.repetitions[2].finished
    assert found.repetitions[2].difference is None
    assert [f.number for f in found.failures if f.stage is Stage.RETRAIN] == [1]


def test_a_variant_without_any_winner():
    made = synthetic.experiment()
    results = [
        synthetic.failing(r, Status.OUT_OF_MEMORY, "needed 9 GB, 4 GB were there")
        if r.spec.variant == "functional" and r.spec.stage is Stage.SEARCH
        else r
        for r in made.results
        if not (r.spec.variant == "functional" and r.spec.stage is Stage.RETRAIN)
    ]
    found = tally(made.plan, made.pair, results, 10)
    assert found.n_ok == 0
    assert found.n_finished == 10
    assert found.repetitions[0].missing == "functional: none of 8 search trials ended ok"
    by_stage = {(b.variant, b.stage): b for b in found.budgets}
    spent = by_stage["functional", Stage.SEARCH]
    assert spent.counts == {Status.OUT_OF_MEMORY: 80}
    assert (spent.n_failed, spent.n_ok, spent.n_planned) == (80, 0, 80)
    assert all(cost.ratio is None for cost in found.costs)


def test_budgets_and_costs_are_exact():
    made = synthetic.experiment(truth=synthetic.Truth(diverge=False))
    found = tally(made.plan, made.pair, made.results, 10)
    spent = {(b.variant, b.stage): b for b in found.budgets}["sequential", Stage.RETRAIN]
    assert spent.epochs == 10 * 2 * 20
    assert spent.flops == pytest.approx(3 * 24_000 * 1_078 * 400)
    costs = {cost.name: cost for cost in found.costs}
    assert costs["FLOPs"].ratio == pytest.approx(1.35)
    assert costs["parameters"].reference == 11_950
    assert costs["parameters"].n_ok == (20, 20)
    assert costs["peak memory"].n_planned == 20
    no_formula = synthetic.experiment(truth=synthetic.Truth(flops=False))
    found = tally(no_formula.plan, no_formula.pair, no_formula.results, 10)
    assert found.budgets[0].flops is None
    assert {cost.name: cost for cost in found.costs}["FLOPs"].ratio is None


def test_control_is_compared_with_the_first_retrained_winner():
    made = synthetic.experiment()
    assert all(r.control for r in tally(made.plan, made.pair, made.results, 10).repetitions)
    control = rows(made, stage=Stage.CONTROL, repetition=3)[0]
    other = control.model_copy(update={"weights_digest": "another"})
    found = tally(made.plan, made.pair, replaced(made, control, other), 10)
    assert [r.control for r in found.repetitions].count(False) == 1
    failed = synthetic.failing(control, Status.FAILED, "no such layer")
    assert (
        not tally(made.plan, made.pair, replaced(made, control, failed), 10).repetitions[3].control
    )
    lost = synthetic.failing(control, Status.LOST, "the worker vanished")
    third = tally(made.plan, made.pair, replaced(made, control, lost), 10).repetitions[3]
    assert third.control is None
    assert third.control_status is Status.LOST
    without = synthetic.experiment(control=False)
    found = tally(without.plan, without.pair, without.results, 10)
    assert {r.control for r in found.repetitions} == {None}


def test_curves_average_over_what_is_there():
    made = synthetic.experiment()
    found = tally(made.plan, made.pair, made.results, 10)
    line = found.validation_curves[0]
    assert line.x == tuple(range(1, 21))
    assert set(line.n_ok) == {20}
    retrained = rows(made, variant="sequential", stage=Stage.RETRAIN)
    assert line.mean[4] == pytest.approx(sum(r.curve.validation[4] for r in retrained) / 20)
    search = found.search_curves[1]
    assert list(search.mean) == sorted(search.mean)
    assert search.n_planned == 10


def test_records_become_plain_values():
    import json

    made = synthetic.experiment()
    found = tally(made.plan, made.pair, made.results, 10)
    assert json.loads(json.dumps(plain(found), allow_nan=False)) == plain(found)


def test_an_unknown_variant_is_an_error():
    made = synthetic.experiment()
    spec = made.results[0].spec.model_copy(update={"variant": "third"})
    odd = made.results[0].model_copy(update={"spec": type(spec).model_validate(spec.model_dump())})
    with pytest.raises(ValueError, match="third"):
        tally(made.plan, made.pair, [*made.results, odd], 10)


def test_pruned_trials_are_counted_but_are_no_failures():
    made = synthetic.experiment(truth=synthetic.Truth(diverge=False))
    results = [
        r.model_copy(update={"status": Status.PRUNED}) if r.spec.number == 7 else r
        for r in made.results
    ]
    found = tally(made.plan, made.pair, results, 10)
    spent = {(b.variant, b.stage): b for b in found.budgets}["functional", Stage.SEARCH]
    assert (spent.counts[Status.PRUNED], spent.n_ok, spent.n_failed) == (10, 70, 0)
    assert found.failures == ()
