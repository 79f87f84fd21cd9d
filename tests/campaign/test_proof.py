"""The proof of the protocol, end to end: the real campaign and the real evidence on trainings whose
truth is known, and the five mutations that must not survive it.

A training's score is `level + split + luck + noise` in accuracy: the split is shared by both
variants, luck belongs to a variant's search in a repetition, noise to its seeds. Everything is a
function of the spec, so that each figure here is the same on every machine.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from service.campaign import Campaign
from service.contracts.pair import CONTROL
from service.contracts.plan import DesignPlan, MetricPlan, Plan, SearchPlan
from service.contracts.results import TrialResult
from service.contracts.trial import Stage, Status, TrialSpec
from service.evidence import decide as judging
from service.evidence import latest
from service.evidence.records import PairTally, Side
from service.stats import extension, paired
from service.stats.paired import TestResult
from service.stats.verdict import Decision, Rule

SD = 0.01
REPETITIONS = 12
EXPERIMENTS = 100
MOST_FALSE = 9  # of 100: 5 are expected, 10 or more have probability .03

BETTER = (Decision.FUNCTIONAL_BETTER, Decision.SEQUENTIAL_BETTER)


@dataclass(frozen=True)
class Truth:
    """What holds in a made-up world.

    Attributes:
        effect: how much better functional is, in standard deviations of the seeds.
        luck: standard deviation of a search's luck, in the same.
        same: whether both variants are one and the same model.
        fails_below: a functional winner fails where its noise is below this.
    """

    effect: float = 0.0
    luck: float = 1.0
    same: bool = False
    fails_below: float = -np.inf


LUCKY = Truth(luck=3.0)
"""One search's luck is worth more than all seeds together."""


class Lab:
    """Runs whole experiments.

    Args:
        world: the fakes of a campaign.
    """

    def __init__(self, world: Any) -> None:
        self.world = world
        self.run = functools.cache(self._run)

    def plan(
        self, seed: int, looks: Iterable[int], *, swapped: bool = False, noise_floor: bool = False
    ) -> Plan:
        pair = self.world.pair(margin=0.25 * SD)
        if swapped:
            pair = pair.model_copy(update={"variants": pair.variants[::-1]})
        plan: Plan = self.world.plan(
            pairs=(pair,),
            design=DesignPlan(
                looks=tuple(looks), retrain=2, confidence=0.95, seed=seed, noise_floor=noise_floor
            ),
            search=SearchPlan(trials=1, sampler="random", pruner="none", batch=1),
        )
        return plan

    def _run(
        self, seed: int, truth: Truth, swapped: bool = False, noise_floor: bool = False
    ) -> list[TrialResult]:
        """All results of one experiment that goes to its only look."""
        plan = self.plan(seed, (REPETITIONS,), swapped=swapped, noise_floor=noise_floor)
        notebook = self.world.Notebook()
        executor = self.world.Shuffled(
            at_most=99, run=lambda spec: self._outcome(spec, plan.pairs[0].variants[0], truth)
        )
        Campaign(plan, executor, notebook, self.world.propose, self.world.Listener()).run()
        return list(notebook.kept.values())

    def _outcome(self, spec: TrialSpec, reference: str, truth: Truth) -> Any:
        variant = reference if spec.variant == CONTROL else spec.variant
        about = "either" if truth.same else variant
        seeds = spec.seeds
        noise = self._normal(about, "noise", seeds.weights)
        score = 80 + self._normal("split", seeds.split)
        apart = spec.variant == CONTROL and spec.stage is not Stage.CONTROL
        luck = "luck of the control" if apart else "luck"
        score += truth.luck * self._normal(about, luck, seeds.split) + noise
        score += truth.effect * (variant == "functional")
        retrained = spec.stage is Stage.RETRAIN
        failed = retrained and variant == "functional" and noise < truth.fails_below
        made = self.world.outcome(spec, status=Status.FAILED if failed else Status.OK)
        if failed:
            return made
        shown = {"score": score * SD, "weights_digest": f"{noise:.12f}"}
        shown |= {"test_score": score * SD} if retrained else {}
        return replace(made, result=made.result.model_copy(update=shown))

    def _normal(self, *parts: object) -> float:
        drawn: float = self.world.unit(*parts)
        return NormalDist().inv_cdf(min(max(drawn, 1e-9), 1 - 1e-9))

    def verdicts(self, truth: Truth, looks: Iterable[int], count: int) -> list[Any]:
        """The verdicts of so many experiments, look by look as a campaign takes them."""
        found = []
        for seed in range(count):
            plan = self.plan(seed, looks)
            found.append(latest(plan, plan.pairs[0], self.run(seed, truth)).verdict)
        return found


@pytest.fixture(scope="module")
def lab(world: Any) -> Lab:
    return Lab(world)


# What is accepted


def false_positives_are_rare(lab: Lab, looks: Iterable[int] = (5,), truth: Truth = Truth()) -> bool:
    """Of 100 experiments on two equal variants at most 9 call one of them better."""
    found = [v.decision for v in lab.verdicts(truth, looks, EXPERIMENTS)]
    return sum(decision in BETTER for decision in found) <= MOST_FALSE


def a_planted_effect_is_found(lab: Lab) -> bool:
    """An effect of 2.5 seed deviations is found in 9 of 10 experiments, never the wrong way."""
    found = [v.decision for v in lab.verdicts(Truth(2.5), (6, REPETITIONS), 20)]
    return found.count(Decision.FUNCTIONAL_BETTER) >= 18 and BETTER[1] not in found


def failing_where_weak_wins_nothing(lab: Lab) -> bool:
    """A variant does not get better by failing where it would have been worse."""
    found = [
        v.decision for v in lab.verdicts(Truth(luck=0.0, fails_below=-0.3), (REPETITIONS,), 20)
    ]
    return sum(decision in BETTER for decision in found) <= 2


CHECKS = (false_positives_are_rare, a_planted_effect_is_found, failing_where_weak_wins_nothing)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_is_accepted(lab: Lab, check: Callable[[Lab], bool]) -> None:
    assert check(lab)


def test_the_error_rate_holds_where_luck_decides(lab: Lab) -> None:
    assert false_positives_are_rare(lab, truth=LUCKY)


@pytest.mark.parametrize("looks", [(REPETITIONS,), (4, 8, 12), tuple(range(3, 13))])
def test_the_error_rate_holds_at_any_number_of_looks(lab: Lab, looks: tuple[int, ...]) -> None:
    assert false_positives_are_rare(lab, looks)


# The five mutations, each applied to the implementation itself


def test_the_percentile_bootstrap_as_the_test_is_caught(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(1)

    def bootstrap(d: Any, alpha: float) -> TestResult:
        values = np.asarray(d)
        means = values[rng.integers(0, values.size, (999, values.size))].mean(axis=1)
        low, high = np.quantile(means, [alpha / 2, 1 - alpha / 2])
        return TestResult((float(low), float(high)), 1.0, paired.Note.OK)

    monkeypatch.setattr(paired, "t_interval", bootstrap)
    assert not false_positives_are_rare(lab)


def test_naive_peeking_is_caught(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def naive(looks: tuple[int, ...], alpha: float, *_: Any) -> tuple[float, ...]:
        return (alpha,) * len(looks)

    monkeypatch.setattr(extension, "levels", naive)
    assert not false_positives_are_rare(lab, range(3, 13))


def test_pooling_seeds_as_repetitions_is_caught(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def pooled(self: PairTally) -> tuple[float, ...]:
        return tuple(
            theirs - ours
            for r in self.repetitions
            for ours, theirs in zip(r.reference.scores, r.challenger.scores, strict=True)
        )

    honest = judging.rule

    def stretched(*arguments: Any) -> Rule:
        found = honest(*arguments)
        return replace(found, looks=tuple(2 * look for look in found.looks))

    monkeypatch.setattr(PairTally, "differences", property(pooled))
    monkeypatch.setattr(PairTally, "differing", property(lambda self: range(len(pooled(self)))))
    monkeypatch.setattr(PairTally, "n_finished", property(lambda self: len(pooled(self))))
    monkeypatch.setattr(judging, "rule", stretched)
    assert not false_positives_are_rare(lab, truth=LUCKY)


def test_dropping_failed_trials_is_caught(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    tallying = importlib.import_module("service.evidence.tally")
    ordered, side = tallying.ordered, tallying._side

    def survivors(*arguments: Any) -> list[TrialResult]:
        return [row for row in ordered(*arguments) if row.ok]

    def forgiving(*arguments: Any) -> Side:
        found = side(*arguments)
        if not found.scores:
            return replace(found, finished=True)
        mean = sum(found.scores) / len(found.scores)
        return replace(found, mean=mean, missing=None, finished=True)

    monkeypatch.setattr(tallying, "ordered", survivors)
    monkeypatch.setattr(tallying, "_side", forgiving)
    assert not failing_where_weak_wins_nothing(lab)


def test_a_swapped_sign_is_caught(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MetricPlan, "gain", lambda self, first, second: second - first)
    assert not a_planted_effect_is_found(lab)


# What must hold exactly


def test_the_same_model_twice_differs_by_exactly_nothing(lab: Lab) -> None:
    plan = lab.plan(0, (REPETITIONS,))
    judged = latest(plan, plan.pairs[0], lab.run(0, Truth(same=True)))
    assert judged.verdict.decision is Decision.IDENTICAL
    assert judged.tally.differences == (0.0,) * REPETITIONS
    assert all(record.control for record in judged.tally.repetitions)


def test_swapping_the_variants_mirrors_the_verdict(lab: Lab) -> None:
    for seed in range(5):
        for truth in (Truth(), Truth(effect=2.5)):
            plain, turned = (
                latest(plan, plan.pairs[0], lab.run(seed, truth, swapped)).verdict
                for swapped in (False, True)
                for plan in (lab.plan(seed, (6, REPETITIONS), swapped=swapped),)
            )
            assert turned.mean_difference == -plain.mean_difference
            assert turned.interval == tuple(-end for end in plain.interval[::-1])
            assert turned.p_value == plain.p_value
            mirror = dict(zip(BETTER, BETTER[::-1], strict=True))
            assert turned.decision is mirror.get(plain.decision, plain.decision)


def test_different_seeds_give_a_noise_floor(lab: Lab) -> None:
    """Two equal models tuned apart differ by the luck of two searches and of their seeds."""
    pooled = []
    for seed in range(5):
        plan = lab.plan(seed, (REPETITIONS,), noise_floor=True)
        judged = latest(plan, plan.pairs[0], lab.run(seed, Truth(2.5), noise_floor=True))
        pooled += [r.noise / SD for r in judged.tally.repetitions]
        assert judged.verdict.mean_difference > 2 * abs(judged.noise_floor.mean)
    assert len(pooled) == 5 * REPETITIONS
    # Luck of 1 on both sides, noise of 1 over two winners on both: a variance of 2 + 1.
    assert np.var(pooled) == pytest.approx(3.0, rel=0.5)
    assert abs(np.mean(pooled)) < 3 * np.sqrt(3 / len(pooled))


def test_one_extra_trial_for_one_variant_is_invalid(lab: Lab) -> None:
    results = lab.run(0, Truth(2.5))
    search = next(
        r for r in results if r.spec.stage is Stage.SEARCH and r.spec.variant == "functional"
    )
    spec = TrialSpec.model_validate({**search.spec.model_dump(), "number": 1})
    extra = search.model_copy(update={"spec": spec})
    plan = lab.plan(0, (REPETITIONS,))
    assert latest(plan, plan.pairs[0], results).verdict.decision in BETTER
    verdict = latest(plan, plan.pairs[0], [*results, extra]).verdict
    assert verdict.decision is Decision.INVALID
    assert "functional had 2 of 1 search trials" in verdict.reasons[0]
