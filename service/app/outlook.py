"""What a plan would do, and what it could find, before anything is started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from service.app.home import Home
from service.app.planning import Planned
from service.contracts.errors import ArchduelError, UserError
from service.contracts.plan import PairPlan, Plan
from service.evidence import latest, rule
from service.plan.cost import PlanFacts, check_reach, describe
from service.stats.more import assured_sd
from service.stats.power import detectable_effect, required_repetitions

POWER = 0.8


@dataclass(frozen=True)
class Noise:
    """How much the differences of one pair vary between repetitions.

    Args:
        sd: the standard deviation to plan with, in the metric's unit.
        source: where it comes from, in words.
    """

    sd: float
    source: str


@dataclass(frozen=True)
class Reach:
    """What the design finds of one pair.

    Args:
        noise: what it is reckoned with.
        detectable: the difference found with power .8 at each look, were it the only one, in the
            metric's unit; None where a look has fewer than 2 repetitions.
        for_margin: repetitions that find a difference of the margin with that power, at the last
            look's level; None where a million would not do.
    """

    noise: Noise
    detectable: tuple[float | None, ...]
    for_margin: int | None


@dataclass(frozen=True)
class Outlook:
    """What a plan costs, what it can claim, and what it would find.

    Args:
        facts: cost and claims.
        levels: the two-sided p-value below which each look decides.
        reaches: by pair, for those whose noise is known.
    """

    facts: PlanFacts
    levels: tuple[float, ...]
    reaches: Mapping[str, Reach]


def outlook(planned: Planned, home: Home, noise: float | None = None) -> Outlook:
    """Look ahead.

    Args:
        planned: the plan.
        home: where earlier results of the same pairs are looked for; it need not be there.
        noise: a guess of the standard deviation between repetitions, in the metric's unit.

    Raises:
        UserError: the design can never reach its confidence, or one guess is given for metrics of
            different units.
    """
    plan = planned.plan
    check_reach(plan, planned.config)
    known = _earlier(plan, home) if noise is None else _guessed(plan, noise)
    looks = range(len(plan.design.looks))
    return Outlook(
        facts=describe(plan),
        levels=tuple(rule(plan, plan.pairs[0], look).look_alpha for look in looks),
        reaches={pair.name: _reach(plan, pair, known[pair.name]) for pair in plan.pairs
                 if pair.name in known},
    )  # fmt: skip


def document(planned: Planned, found: Outlook) -> dict[str, Any]:
    """The same as JSON, with the whole plan."""
    plan = planned.plan
    return {
        "experiment": plan.experiment,
        "protocol": plan.protocol_hash,
        **asdict(found.facts),
        "levels": list(found.levels),
        "power": POWER,
        "reaches": {name: asdict(reach) for name, reach in found.reaches.items()},
        "plan": plan.model_dump(mode="json"),
    }


def _reach(plan: Plan, pair: PairPlan, noise: Noise) -> Reach:
    rules = [rule(plan, pair, look) for look in range(len(plan.design.looks))]
    return Reach(
        noise=noise,
        detectable=tuple(
            detectable_effect(n, noise.sd, at.look_alpha, POWER) if n > 1 else None
            for n, at in zip(plan.design.looks, rules, strict=True)
        ),
        for_margin=required_repetitions(pair.margin, noise.sd, rules[-1].look_alpha, POWER),
    )


def _guessed(plan: Plan, noise: float) -> dict[str, Noise]:
    units = {pair.metric.unit: pair.name for pair in plan.pairs}
    if len(units) > 1:
        told = ", ".join(f"{unit} ({name})" for unit, name in units.items())
        raise UserError(
            f"one guess cannot serve metrics of different units: {told}", key="--noise", value=noise
        )
    return {pair.name: Noise(noise, "as given") for pair in plan.pairs}


def _earlier(plan: Plan, home: Home) -> dict[str, Noise]:
    """By pair, the noise in the latest experiment that has two differences of it.

    A pilot's own standard deviation is too small in half of all pilots: its upper 80% limit is
    planned with, as in "about N more repetitions".
    """
    found: dict[str, Noise] = {}
    if not home.ledger_file.exists():
        return found
    from service.app import history  # it loads a database's driver, which a plan needs only here

    for row in history.experiments(home):
        if all(pair.name in found for pair in plan.pairs):
            break
        try:
            ledger = history.experiment(home, row.key)
            recorded, results = ledger.plan, list(ledger.results().values())
        except ArchduelError:
            continue  # written by another version: another experiment may tell
        for pair in plan.pairs:
            theirs = next((other for other in recorded.pairs if other.name == pair.name), None)
            if pair.name in found or theirs is None or theirs.metric != pair.metric:
                continue
            verdict = latest(recorded, theirs, results).verdict
            if verdict.sd:
                source = f"upper 80% limit from {verdict.n_ok} repetitions of '{row.key}'"
                found[pair.name] = Noise(assured_sd(verdict.sd, verdict.n_ok), source)
    return found
