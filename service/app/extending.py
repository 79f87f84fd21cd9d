"""Going on with an experiment that ended inconclusive: `archduel extend`."""

from __future__ import annotations

from dataclasses import dataclass

from service.app import history, planning
from service.app.home import Home
from service.app.planning import Planned
from service.contracts.errors import UserError
from service.contracts.plan import Plan
from service.evidence import Judgement, latest
from service.stats.extension import error_rate
from service.stats.verdict import Decision

FEWEST = 2
"""Repetitions of an extension: one alone has no spread."""

_OPEN = (Decision.INCONCLUSIVE, Decision.TRADE_OFF)


@dataclass(frozen=True)
class Extension:
    """What an extension will do.

    Args:
        planned: the experiment's plan with the extension in it.
        open_pairs: names of the pairs that go on.
        rate_before, rate_after: the two-sided error rate of all looks, without and with it.
    """

    planned: Planned
    open_pairs: tuple[str, ...]
    rate_before: float
    rate_after: float


def extend(home: Home, run: str | None, repetitions: int) -> Extension:
    """Plan an extension; nothing is recorded or started yet.

    An extension by as many repetitions that was begun and not finished is gone on with.

    Args:
        home: the home folder.
        run: the experiment's key or name; None means the one started last.
        repetitions: how many more, for every pair that is open.

    Returns:
        The plan to run, and what it does to the error rate.

    Raises:
        UserError: there is no such experiment, its last look is not reached, every pair of it is
            decided, or its pairs cannot be found from here.
    """
    if repetitions < FEWEST:
        raise UserError(f"must be at least {FEWEST}", key="--repetitions", value=repetitions)
    ledger = history.experiment(home, run)
    plan, results = ledger.plan, ledger.results().values()
    judged = {pair.name: latest(plan, pair, results) for pair in plan.pairs}
    unfinished = [name for name, judgement in judged.items() if not judgement.verdict.final]
    made = plan.design.extensions
    if unfinished and not (made and made[-1] == repetitions and _all_extended(plan, judged)):
        known = ", ".join(unfinished)
        raise UserError(
            f"experiment '{ledger.key}' has looks to come ({known})",
            hint="archduel run CONFIG goes on with it; an extension follows its last look",
        )
    open_pairs = tuple(unfinished) or tuple(
        name for name, judgement in judged.items() if judgement.verdict.decision in _OPEN
    )
    if not open_pairs:
        raise UserError(
            f"every verdict of experiment '{ledger.key}' is decided",
            hint="an extension is for inconclusive ones; --fresh runs it anew",
        )
    if not unfinished:
        plan = plan.extended((*made, repetitions))
    count = len(plan.design.extensions)
    alpha, reserve = round(1 - plan.design.confidence, 12), plan.design.reserve
    return Extension(
        planned=planning.recorded(plan, ledger.key),
        open_pairs=open_pairs,
        rate_before=error_rate(alpha, reserve, count - 1),
        rate_after=error_rate(alpha, reserve, count),
    )


def _all_extended(plan: Plan, judged: dict[str, Judgement]) -> bool:
    """Whether what is unfinished is the last extension alone."""
    before = len(plan.design.schedule) - 2
    return all(j.verdict.final or j.verdict.look == before for j in judged.values())
