"""Was the comparison fair? Checks that a verdict stands or falls with."""

from __future__ import annotations

from collections.abc import Iterable

from service.contracts.plan import PairPlan, Plan
from service.evidence import conditions, noise, outcomes
from service.evidence.check import Check
from service.evidence.records import PairTally
from service.evidence.rows import Row
from service.evidence.tally import ordered


def audit(
    plan: Plan, pair: PairPlan, results: Iterable[Row], found: PairTally
) -> tuple[Check, ...]:
    """Check that both variants had the same chances.

    Args:
        plan: the experiment's plan.
        pair: one of its pairs.
        results: what the ledger holds, in any order.
        found: what `tally` made of the same results.

    Returns:
        The checks, in the order a report prints them. Repetitions that are still under way are
        not held against their trial counts, and before a look is complete a mean or a share
        only warns: it may still change.
    """
    rows = ordered(pair, results, found.n_planned)
    floor = noise.noise_floor(plan, found)
    return (
        conditions.trials(plan, pair, rows, found),
        conditions.epochs(pair, rows),
        conditions.data(pair, rows),
        conditions.splits(plan, pair, rows),
        outcomes.sizes(pair, found),
        outcomes.control(found),
        outcomes.baseline(pair, found),
        outcomes.failures(found),
        outcomes.edges(plan, pair, found),
        *((outcomes.pruning(found),) if plan.search.pruner != "none" else ()),
        *(() if floor is None else (noise.check(floor),)),
    )
