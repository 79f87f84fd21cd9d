"""What a plan says about itself before it runs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest

from service.contracts.plan import Plan
from service.plan.cost import describe, minimum_sign_flip_p
from service.stats.signflip import sign_flip_p

Planner = Callable[..., Plan]
HEAD = "experiment: x\npairs: [iris, mnist]\n"


@pytest.mark.parametrize("n", range(1, 8))
def test_the_minimum_p_is_that_of_all_sign_patterns(n: int) -> None:
    sums = [abs(sum(signs)) for signs in product((-1, 1), repeat=n)]
    assert minimum_sign_flip_p(n) == sum(each >= n for each in sums) / len(sums)
    assert minimum_sign_flip_p(n) == sign_flip_p([0.3] * n)


def test_trainings_are_counted(plan: Planner) -> None:
    facts = describe(
        plan(HEAD + "search: {trials: 3, epochs: 10}\ndesign: {repetitions: [6, 12], retrain: 2}\n")
    )
    assert facts.trainings == {"search": 144, "retrain": 96, "control": 24}
    assert facts.total_trainings == 264
    assert facts.trainings_per_look == (132, 264)
    assert facts.epochs == 2640
    assert facts.minimum_p == (2 / 2**6, 2 / 2**12)


@pytest.mark.parametrize(
    ("confidence", "needed"), [(0.95, 6), (0.9, 5), (0.99, 8), (0.75, 3), (0.9375, 5)]
)
def test_repetitions_from_which_the_sign_flip_test_can_speak(
    plan: Planner, confidence: float, needed: int
) -> None:
    facts = describe(plan(HEAD, [f"design.confidence={confidence}"]))
    assert facts.repetitions_for_alpha == needed
    assert minimum_sign_flip_p(needed) <= facts.alpha < minimum_sign_flip_p(needed - 1)


def test_claims_say_what_cannot_be_shown(plan: Planner) -> None:
    one = describe(plan(HEAD, ["design.repetitions=1"])).claims
    assert "no verdict but inconclusive" in one[0]
    five = " ".join(describe(plan(HEAD, ["design.repetitions=5"])).claims)
    assert "cannot go below p = 0.0625" in five
    assert "that takes 6" in five
    looks = " ".join(describe(plan(HEAD, ["design.repetitions=[6, 12]"])).claims)
    assert "it can confirm a difference at 0.05" in looks
    assert "2 looks share the error rate of 0.05" in looks
    assert "Each of the 2 pairs" in looks
