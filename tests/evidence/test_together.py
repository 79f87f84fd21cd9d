"""All pairs of an experiment together."""

from __future__ import annotations

import pytest

from service.evidence import Judgement, latest, together
from service.stats.verdict import Decision
from tests.evidence import synthetic


def judged(effects: list[float]) -> tuple[object, list[Judgement]]:
    plan = synthetic.make_plan(
        [synthetic.pair_plan(f"pair-{place}") for place in range(len(effects))]
    )
    truth = [synthetic.Truth(effect=effect) for effect in effects]
    made = synthetic.experiment(plan=plan, truth=truth, repetitions=30, seed=3)
    return plan, [latest(plan, pair, made.results) for pair in plan.pairs]


def test_each_pair_has_its_weight_and_its_corrected_p() -> None:
    plan, judgements = judged([0.03, 0.0, -0.03])
    found = together(plan, judgements)
    assert [effect.pair for effect in found.pairs] == ["pair-0", "pair-1", "pair-2"]
    assert sum(effect.weight for effect in found.pairs) == pytest.approx(1.0)
    assert [effect.holds for effect in found.pairs] == [True, False, True]
    for effect, judgement in zip(found.pairs, judgements, strict=True):
        assert effect.p >= judgement.verdict.p_value * 0.99
        assert effect.p_holm >= effect.p
        decided = judgement.verdict.detectable
        assert (effect.p <= 0.05) == decided  # the same rule, told as a p-value


def test_an_invalid_pair_has_no_figures_but_counts() -> None:
    plan, judgements = judged([0.03, 0.03])
    first = judgements[0].verdict
    for lost in (judgements[1],):
        object.__setattr__(lost.verdict, "decision", Decision.INVALID)
    found = together(plan, judgements)
    assert found.pairs[1].effect is found.pairs[1].p is found.pairs[1].weight is None
    assert found.pairs[1].holds is None
    assert found.combined.n_used == 1
    assert found.pairs[0].p_holm == pytest.approx(min(1.0, 2 * found.pairs[0].p))
    assert first.p_value is not None
