"""The noise floor: the reference against its own control, tuned and trained apart.

Both are one and the same architecture, so whatever separates them is the luck of two searches and of
their seeds. It goes through the same repetitions as the comparison, and shows how large a difference
means nothing.
"""

from __future__ import annotations

from service.contracts.plan import Plan
from service.evidence.check import Check
from service.evidence.records import NoiseFloor, PairTally
from service.stats.paired import summary, t_interval

LEVEL = 0.05


def noise_floor(plan: Plan, found: PairTally) -> NoiseFloor | None:
    """Return the differences of two equal models.

    Args:
        plan: the experiment's plan.
        found: what `tally` made of its results.

    Returns:
        Their mean, spread and 95% interval at this look alone; None where none was asked for.
    """
    if not plan.design.noise_floor:
        return None
    differences = [r.noise for r in found.repetitions if r.noise is not None]
    moments = summary(differences)
    return NoiseFloor(
        mean=moments.mean,
        sd=moments.sd,
        interval=t_interval(differences, LEVEL).interval,
        n_ok=moments.n,
        n_planned=found.n_planned,
    )


def check(floor: NoiseFloor) -> Check:
    """Warn of a noise floor that is no noise; one in twenty is so by chance."""
    name = "Two equal models, tuned and trained apart, do not differ beyond chance"
    counted = f"{floor.n_ok}/{floor.n_planned} repetitions"
    if floor.interval is None:
        return Check(name, None, f"no interval from {counted}", warning=True)
    if floor.interval[0] <= 0 <= floor.interval[1]:
        return Check(name, True, f"the interval of {counted} includes 0", warning=True)
    return Check(
        name,
        False,
        f"the reference and its control, one architecture, differ in {counted}: one noise floor in "
        "twenty does by chance",
        warning=True,
    )
