"""Chooses how each pair's trainings are computed: by a short measurement, where one can pay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import ceil, exp, log, prod

from service.contracts.pair import Scalar
from service.contracts.plan import PairPlan, Plan, RangePlan
from service.contracts.strategy import (
    ANY_BATCH,
    OF_BACKEND,
    RATES_AS_CONSTANTS,
    StrategyChoice,
    Timing,
    width,
)
from service.contracts.trial import OF_THE_OPTIMIZER, Seeds, Stage, TrialSpec, shape
from service.plan.seeds import derive

WORTH_SECONDS = 20.0
"""Further strategies are measured where a free one would save a pair more than this."""

Measure = Callable[[Sequence[TrialSpec]], list[Timing]]


def settle(plan: Plan, measure: Measure, slots: Callable[[], int]) -> Plan:
    """Choose for every pair that has no strategy yet.

    The first strategy of the backend is measured for both variants. Only where all the pair's
    trainings would take long under it are the others measured too; the one wins that is expected
    to end first with both variants under it.

    Args:
        plan: the plan.
        measure: times trainings like some specs, in their order.
        slots: how many trainings run at once; asked only where something is measured.

    Returns:
        The plan with a `StrategyChoice` in each pair.
    """
    named = {pair.name: _without_measuring(plan) for pair in plan.pairs}
    chosen = {pair.name: pair.strategy or named[pair.name] for pair in plan.pairs}
    open_pairs = [pair for pair in plan.pairs if chosen[pair.name] is None]
    if open_pairs:
        found = measured(plan, open_pairs, OF_BACKEND[plan.backend][:1], measure)
        at_once = slots()
        slow = [
            pair
            for pair in open_pairs
            if _could_save(plan, pair, found[pair.name], at_once) > WORTH_SECONDS
        ]
        for name, timings in measured(plan, slow, OF_BACKEND[plan.backend][1:], measure).items():
            found[name] += timings
        for pair in open_pairs:
            chosen[pair.name] = _best(plan, pair, found[pair.name], at_once)
    return plan.with_strategies({name: choice for name, choice in chosen.items() if choice})


def expected_seconds(
    plan: Plan, pair: PairPlan, timings: Sequence[Timing], slots: int, *, free: bool = False
) -> float:
    """How long all trainings of a pair take under one strategy.

    Args:
        plan, pair: what is planned, up to the last look.
        timings: one for each variant, of one training where a strategy trains many at once.
        slots: how many trainings run at once.
        free: count the compiling alone.

    Returns:
        Wall seconds, workers being busy to the end, but at least those of the program that takes
        longest: its trials keep to the workers that have it (docs/decisions/017).
    """
    repetitions = plan.design.looks[-1]
    busy = longest = 0.0
    for timing in timings:
        each = 0.0
        if not free:
            each = pair.epochs * timing.epoch_seconds / _share_used(plan, pair, timing, slots)
        programs = _programs(pair.spaces[timing.variant], timing.strategy)
        trainings = [repetitions * (plan.search.trials + plan.design.retrain)]
        if timing.variant == pair.variants[0]:
            trainings.append(repetitions)  # The control's programs are its own.
        for own in trainings:
            kinds = min(programs, own)
            work = own * each / kinds
            compilers = _compilers(work, timing.compile_seconds, slots)
            busy += kinds * (compilers * timing.compile_seconds + work)
            longest = max(longest, timing.compile_seconds + work / compilers)
    return max(busy / slots, longest)


def _compilers(work: float, compilation: float, slots: int) -> int:
    """How many workers compile a program: another one where that saves half of a compilation.

    Args:
        work: seconds of all the program's trainings.
        compilation: seconds.
        slots: how many workers there are.
    """
    if compilation <= 0:
        return slots
    return max(1, min(slots, ceil(work / (1.5 * compilation))))


def _share_used(plan: Plan, pair: PairPlan, timing: Timing, slots: int) -> float:
    """How full the groups of a strategy are that trains many at once; an empty place costs as much.

    What waits are the batches of all studies of the first look, spread over programs, batch sizes
    and workers.
    """
    most = width(timing.strategy)
    if most == 1:
        return 1.0
    space = pair.spaces[timing.variant]
    kinds = _programs(space, timing.strategy) * slots
    waiting = max(1.0, plan.design.looks[0] * min(plan.search.batch, plan.search.trials) / kinds)
    return waiting / (ceil(waiting / most) * most)


def _without_measuring(plan: Plan) -> StrategyChoice | None:
    """The choice where there is none to make."""
    if plan.strategy != "auto":
        return StrategyChoice(strategy=plan.strategy, reason="the config says so")
    known = OF_BACKEND[plan.backend]
    if len(known) == 1:
        return StrategyChoice(strategy=known[0], reason=f"backend {plan.backend} has no other")
    return None


def measured(
    plan: Plan, pairs: Sequence[PairPlan], strategies: Sequence[str], measure: Measure
) -> dict[str, tuple[Timing, ...]]:
    """Time some strategies for some pairs, all of it in one call.

    Returns:
        By pair, a timing of each strategy and variant.
    """
    asked = [
        (pair.name, _probe(plan, pair, variant, strategy))
        for pair in pairs
        for strategy in strategies
        for variant in pair.variants
    ]
    found: dict[str, tuple[Timing, ...]] = {pair.name: () for pair in pairs}
    timings = measure([spec for _, spec in asked]) if asked else []
    for (name, _), timing in zip(asked, timings, strict=True):
        found[name] += (timing,)
    return found


def _could_save(plan: Plan, pair: PairPlan, timings: Sequence[Timing], slots: int) -> float:
    """Seconds that a strategy would save which computes in no time and compiles twice as long."""
    if any(timing.error for timing in timings):
        return 0.0  # The trials will say what is wrong with it.
    whole = expected_seconds(plan, pair, timings, slots)
    return whole - 2 * expected_seconds(plan, pair, timings, slots, free=True)


def _best(plan: Plan, pair: PairPlan, timings: tuple[Timing, ...], slots: int) -> StrategyChoice:
    first = OF_BACKEND[plan.backend][0]
    expected: dict[str, float] = {}
    for strategy in OF_BACKEND[plan.backend]:
        own = [timing for timing in timings if timing.strategy == strategy]
        if own and not any(timing.error for timing in own):
            expected[strategy] = expected_seconds(plan, pair, own, slots)
    if not expected:
        return StrategyChoice(strategy=first, reason="none could be measured", timings=timings)
    best = min(expected, key=expected.__getitem__)
    if len(timings) == len(pair.variants):
        reason = (
            f"all trainings take about {expected[best]:.0f} s with it: no other could save "
            f"{WORTH_SECONDS:.0f} s"
        )
    else:
        others = ", ".join(f"{s} {expected[s]:.0f} s" for s in expected if s != best)
        reason = f"all trainings are expected to take {expected[best]:.0f} s"
        reason += f" ({others})" if others else ""
    return StrategyChoice(strategy=best, reason=reason, timings=timings)


def _programs(space: Mapping[str, RangePlan], strategy: str) -> float:
    """How many programs a space needs; endless where a range of sizes is not of choices."""
    constants = strategy in RATES_AS_CONSTANTS

    def kinds(name: str, range_: RangePlan) -> float:
        if range_.kind == "choice":
            values = [{name: value} for value in range_.values]
            return len({str(one if constants else shape(one)) for one in values})
        return 1 if range_.kind == "real" and not constants else float("inf")

    inputs = OF_THE_OPTIMIZER - ({"weight_decay"} if constants else set())
    if strategy in ANY_BATCH:
        inputs |= {"batch_size"}
    return prod(kinds(name, range_) for name, range_ in space.items() if name not in inputs)


def _probe(plan: Plan, pair: PairPlan, variant: str, strategy: str) -> TrialSpec:
    """A training in the middle of the variant's ranges."""
    seed = derive(plan.design.seed, pair.name, "repetition", 0, "split")
    other = derive(plan.design.seed, pair.name, "strategy")
    return TrialSpec(
        pair=pair.name,
        code=pair.code,
        data=pair.data,
        variant=variant,
        stage=Stage.SEARCH,
        repetition=0,
        number=0,
        hyperparameters={name: _middle(r) for name, r in pair.spaces[variant].items()},
        budget=pair.budget,
        epochs=pair.epochs,
        seeds=Seeds(split=seed, weights=other, order=other),
        runtime=plan.runtime,
        strategy=strategy,
    )


def _middle(range_: RangePlan) -> Scalar:
    if range_.kind == "choice":
        return range_.values[len(range_.values) // 2]
    assert range_.low is not None
    assert range_.high is not None
    low, high = range_.low, range_.high
    middle = exp((log(low) + log(high)) / 2) if range_.log else (low + high) / 2
    return round(middle) if range_.kind == "whole" else middle
