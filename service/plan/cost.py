"""What a plan costs and what it can claim, told before anything starts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from service.contracts.plan import Plan
from service.plan.load import LoadedConfig

FEWEST_REPETITIONS = 2
"""A paired t test needs two differences."""


@dataclass(frozen=True)
class PlanFacts:
    """What can be said about a plan without running it.

    Args:
        trainings: at most, by stage ("search", "retrain", "control"), over all pairs.
        total_trainings: their sum.
        trainings_per_look: at most, cumulative at each look, shape (looks,).
        epochs: at most, over all trainings.
        minimum_p: the smallest two-sided p of the sign-flip test at each look, shape (looks,).
        alpha: 1 - confidence, the error rate of all looks of one pair together.
        repetitions_for_alpha: repetitions from which the sign-flip test can reach alpha.
        claims: what the design can and cannot show, a sentence each.
    """

    trainings: dict[str, int]
    total_trainings: int
    trainings_per_look: tuple[int, ...]
    epochs: int
    minimum_p: tuple[float, ...]
    alpha: float
    repetitions_for_alpha: int
    claims: tuple[str, ...]


def describe(plan: Plan) -> PlanFacts:
    """Tell what a plan costs and what it can claim.

    Args:
        plan: the plan.

    Returns:
        The facts. What it would find is not among them: that needs a standard deviation.
    """
    looks = plan.design.looks
    trainings = plan.trainings
    total = sum(trainings.values())
    alpha = round(1 - plan.design.confidence, 12)
    return PlanFacts(
        trainings=trainings,
        total_trainings=total,
        trainings_per_look=tuple(
            len(plan.pairs) * sum(plan.trainings_to(look).values()) for look in looks
        ),
        epochs=total // len(plan.pairs) * sum(pair.epochs for pair in plan.pairs),
        minimum_p=tuple(minimum_sign_flip_p(look) for look in looks),
        alpha=alpha,
        repetitions_for_alpha=math.ceil(1 - math.log2(alpha)),
        claims=_claims(plan, alpha),
    )


def check_reach(plan: Plan, config: LoadedConfig) -> None:
    """Refuse a design whose verdict can be nothing but inconclusive, whatever the results.

    Two repetitions are enough for the t test, which decides, to fall below any level; one has no
    spread. That the sign-flip test needs more is told among the claims: it is a second opinion.

    Args:
        plan: the plan.
        config: its config, for the message.

    Raises:
        UserError: it can never reach its confidence; the nearest design that can is told.
    """
    last = plan.design.looks[-1]
    if last >= FEWEST_REPETITIONS:
        return
    needed = math.ceil(1 - math.log2(round(1 - plan.design.confidence, 12)))
    raise config.error(
        ("design", "repetitions"),
        f"a single repetition has no spread, so no interval and no test: confidence "
        f"{plan.design.confidence:.10g} can never be reached",
        last,
        f"{FEWEST_REPETITIONS} is the nearest that can, and from {needed} on the sign-flip test "
        "can confirm it; archduel run takes it as it is, to show that the experiment runs",
    )


def minimum_sign_flip_p(repetitions: int) -> float:
    """The smallest two-sided p-value of a sign-flip test: 2 of the 2^n sign patterns.

    Args:
        repetitions: n, at least 1.

    Returns:
        2 / 2^n.
    """
    return math.ldexp(1.0, 1 - repetitions)


def _claims(plan: Plan, alpha: float) -> tuple[str, ...]:
    last = plan.design.looks[-1]
    confidence = f"{plan.design.confidence:.10g}"
    claims = []
    if last == 1:
        claims.append(
            "One repetition has no spread: no interval, no test, and no verdict but inconclusive. "
            "It shows that the experiment runs."
        )
    else:
        claims.append(
            f"{last} repetitions give a t interval at confidence {confidence} per pair; it "
            f"decides. It takes the {last} differences as drawn from one normal distribution."
        )
        smallest = minimum_sign_flip_p(last)
        needed = math.ceil(1 - math.log2(alpha))
        if smallest > alpha:
            claims.append(
                f"The sign-flip test, which assumes no distribution, cannot go below p = "
                f"{smallest:.3g} with {last} repetitions, so it cannot confirm a difference at "
                f"{alpha:.3g}: that takes {needed}."
            )
        else:
            claims.append(
                f"The sign-flip test, which assumes no distribution, can go down to p = "
                f"{smallest:.3g}, so it can confirm a difference at {alpha:.3g}."
            )
    if len(plan.design.looks) > 1:
        claims.append(
            f"{len(plan.design.looks)} looks share the error rate of {alpha:.3g}: an early look "
            "stops only on a difference that is clearer than the last look needs."
        )
    if plan.design.limit is not None:
        claims.append(f"Every verdict is {plan.design.limit}.")
    if plan.design.reserve:
        claims.append(
            f"{plan.design.reserve:.3g} of the error rate is kept for `archduel extend`: the looks "
            f"above spend {alpha * (1 - plan.design.reserve):.3g}."
        )
    if len(plan.pairs) > 1:
        claims.append(
            f"Each of the {len(plan.pairs)} pairs has an error rate of {alpha:.3g} of its own."
        )
    return tuple(claims)
