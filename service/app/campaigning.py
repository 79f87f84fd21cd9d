"""A run's campaign: which strategy trains each pair, and then all its trials."""

from __future__ import annotations

from collections.abc import Sequence

from service.app.workers import Workers
from service.campaign import Campaign, Finding
from service.campaign.strategy import settle
from service.contracts.plan import Plan
from service.contracts.ports import Progress
from service.contracts.strategy import Timing
from service.contracts.trial import TrialSpec
from service.stores.experiment_ledger import ExperimentLedger
from service.stores.optuna_search import propose


def run(
    plan: Plan, ledger: ExperimentLedger, workers: Workers, progress: Progress
) -> dict[str, Finding]:
    """Choose how to train where that is open, then run the campaign to its verdicts.

    Args:
        plan: what to do, with what is known by the data.
        ledger: its.
        workers: they are closed in the end, whatever happens.
        progress: hears how it advances.

    Returns:
        By pair, what was found.
    """
    try:
        settled = _settled(plan, ledger, workers, progress)
        return Campaign(settled, workers, ledger, propose, progress).run()
    finally:
        workers.close()


def _settled(plan: Plan, ledger: ExperimentLedger, workers: Workers, progress: Progress) -> Plan:
    """The plan with a strategy for each pair: those recorded, else chosen now and recorded."""

    def measure(specs: Sequence[TrialSpec]) -> list[Timing]:
        timings: list[Timing] = []
        at_once = max(2, workers.slots)  # Both variants of a pair, however few workers there are.
        for start in range(0, len(specs), at_once):
            now = specs[start : start + at_once]
            what = dict.fromkeys(f"{spec.pair} ({spec.strategy})" for spec in now)
            progress.say(
                f"measuring how long a training takes: {', '.join(what)}, "
                f"{start + len(now)} of {len(specs)}"
            )
            timings += workers.measure(now)
        return timings

    settled = settle(plan, measure, lambda: workers.slots)
    if settled != plan:
        ledger.set_strategies(settled)
    return settled
