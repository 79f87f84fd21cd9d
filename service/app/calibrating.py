"""How long an experiment will take on this machine, from a few measured steps of each model."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from service.app import planning
from service.app.planning import Planned
from service.campaign.strategy import expected_seconds, measured, settle
from service.contracts.errors import UserError
from service.contracts.plan import PairPlan, Plan
from service.contracts.strategy import Timing


@dataclass(frozen=True)
class Expected:
    """What one pair is expected to take.

    Args:
        strategy: how its trainings are computed.
        timings: one for each variant, under that strategy.
        seconds: wall time of all trainings up to the last look, None where a variant could not be
            measured.
    """

    strategy: str
    timings: tuple[Timing, ...]
    seconds: float | None


@dataclass(frozen=True)
class Calibration:
    """What was measured.

    Args:
        at_once: trainings that run at once on this machine.
        pairs: by pair name.
    """

    at_once: int
    pairs: dict[str, Expected]

    @property
    def seconds(self) -> float:
        """Wall time of all pairs that could be measured; starting up takes some seconds more."""
        return sum(pair.seconds or 0.0 for pair in self.pairs.values())

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON-able values."""
        pairs = {
            name: {
                "strategy": pair.strategy,
                "timings": [timing.model_dump(mode="json") for timing in pair.timings],
                "seconds": pair.seconds,
            }
            for name, pair in self.pairs.items()
        }
        return {"at_once": self.at_once, "seconds": self.seconds, "pairs": pairs}


def calibrate(planned: Planned, say: Callable[[str], None]) -> Calibration:
    """Load the data, build the models and time a few steps of each; nothing is recorded.

    Args:
        planned: what is planned.
        say: hears what is being done.

    Raises:
        UserError: the data or the backend is missing.
    """
    from service.execution.inline import InlineExecutor, check_backend

    try:
        check_backend(planned.plan.backend)
    except UserError as error:
        raise planned.config.error(("backend",), error.rule, hint=error.hint) from error
    say("loading data")
    datasets = planning.datasets(planned)
    plan = planning.with_data(planned, datasets).plan
    say(f"loading {plan.backend}")
    timeout = plan.resources.trial_timeout_seconds
    executor = InlineExecutor(planned.pairs, datasets, plan.runtime, timeout)
    at_once = _at_once(plan)
    found = {}
    for place, pair in enumerate(plan.pairs, start=1):
        say(f"measuring {pair.name} ({place} of {len(plan.pairs)})")
        [pair] = settle(
            plan.model_copy(update={"pairs": (pair,)}), executor.measure, lambda: at_once
        ).pairs
        assert pair.strategy is not None
        name = pair.strategy.strategy
        timings = tuple(t for t in pair.strategy.timings if t.strategy == name)
        timings = timings or measured(plan, [pair], [name], executor.measure)[pair.name]
        found[pair.name] = Expected(name, timings, _seconds(plan, pair, timings, at_once))
    return Calibration(at_once, found)


def _seconds(plan: Plan, pair: PairPlan, timings: tuple[Timing, ...], at_once: int) -> float | None:
    if any(timing.error for timing in timings):
        return None
    return expected_seconds(plan, pair, timings, at_once)


def _at_once(plan: Plan) -> int:
    fits = max(1, (os.cpu_count() or 1) // plan.resources.cpus_per_trial)
    return min(fits, plan.resources.max_parallel or fits)
