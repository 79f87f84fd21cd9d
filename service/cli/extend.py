"""`archduel extend`: go on with a run that ended inconclusive."""

from __future__ import annotations

from service.app import extending
from service.app.extending import Extension
from service.app.workers import ExecutorName
from service.cli.run import carry_out
from service.cli.screen import plural
from service.cli.session import Session


def extend(
    session: Session,
    run: str | None,
    repetitions: int,
    executor: ExecutorName,
    address: str | None,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """Extend it, run what is new, and print what was found.

    Raises:
        UserError: there is nothing to extend, or the data, the machine or the ledger does not fit.
        Stopped: Ctrl-C, or the system asked for it; the same command goes on from there.
    """
    found = extending.extend(session.home, run, repetitions)
    carry_out(
        session, found.planned, announcement(found, repetitions), executor, address,
        fresh=False, as_json=as_json, quiet=quiet,
    )  # fmt: skip


def announcement(found: Extension, repetitions: int) -> str:
    """What is about to happen, and what it does to the error rate."""
    plan = found.planned.plan
    pairs = f"{len(found.open_pairs)} of {plural(len(plan.pairs), 'pair')}"
    rates = f"{100 * found.rate_before:.4g}% to {100 * found.rate_after:.4g}%"
    kept = "within the planned rate" if plan.design.reserve else "above the planned rate"
    return (
        f"experiment '{plan.experiment}': {plural(repetitions, 'more repetition')} for {pairs}; "
        f"the error rate of all looks goes from {rates}, {kept}"
    )
