"""`archduel plan`: what would be done, what it would cost, and what it could show."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from service.app import planning
from service.app.outlook import POWER, Outlook, document, outlook
from service.app.planning import Planned
from service.cli.screen import (
    advise,
    better,
    duration,
    errors,
    facts,
    margin,
    plural,
    results,
    span,
    table,
    write_json,
)
from service.cli.session import Session
from service.contracts.errors import UserError
from service.contracts.plan import PairPlan, Plan

if TYPE_CHECKING:
    from service.app.calibrating import Calibration


def plan(
    session: Session,
    config: Path,
    overrides: list[str],
    noise: float | None,
    *,
    calibrate: bool,
    as_json: bool,
) -> None:
    """Print the plan; without `calibrate` nothing is started and no data is read.

    Raises:
        UserError: the config has a mistake, or its design can never reach its confidence.
    """
    planned = planning.load(config, overrides)
    if noise is not None and not (math.isfinite(noise) and noise > 0):
        raise UserError("must be above 0", key="--noise", value=noise)
    found = outlook(planned, session.home, noise)
    times = _calibrated(planned) if calibrate else None
    if as_json:
        write_json({**document(planned, found), "calibration": times and times.to_dict()})
        return
    show(results(), planned.plan, found)
    if times is not None:
        show_times(results(), planned.plan, times)
    sets = [word for override in overrides for word in ("--set", override)]
    advise(session, (("run", str(config), *sets), "do it"))


def _calibrated(planned: Planned) -> Calibration:
    from service.app.calibrating import calibrate

    return calibrate(planned, lambda text: errors().print(Text(text)))


def show_times(console: Console, plan: Plan, times: Calibration) -> None:
    """Print how long the trainings of each pair take on this machine."""
    console.print()
    pairs = table(
        "pair", "computed by", "one training", "all trainings",
        numbers=("one training", "all trainings"),
    )  # fmt: skip
    for pair in plan.pairs:
        expected = times.pairs[pair.name]
        if expected.seconds is None:
            reason = next(timing.error for timing in expected.timings if timing.error)
            pairs.add_row(pair.name, expected.strategy, "-", f"failed: {reason}")
            continue
        each = [span(t.epoch_seconds * pair.epochs) for t in expected.timings]
        pairs.add_row(pair.name, expected.strategy, " and ".join(each), duration(expected.seconds))
    console.print(pairs)
    console.print(
        Text(
            f"About {duration(times.seconds)} for all trainings up to the last look, "
            f"{times.at_once} at once on this machine, and some seconds to start."
        )
    )


def show(console: Console, plan: Plan, found: Outlook) -> None:
    """Print a plan for people."""
    told = found.facts
    console.print(Text(f"Experiment {plan.experiment}", style="bold"), Text(_where(plan)))
    console.print()
    pairs = table("pair", "better is", "matters from", "parameters", "epochs")
    for pair in plan.pairs:
        metric = pair.metric
        least = margin(pair.margin, metric.unit)
        pairs.add_row(
            pair.name, better(metric.name, metric.direction), least, _size(pair), str(pair.epochs)
        )
    console.print(pairs)
    console.print()
    stages = table("stage", "trainings", "what", numbers=("trainings",))
    for stage, count in told.trainings.items():
        stages.add_row(stage, f"{count:,}", _stage(plan, stage))
    total = f"at most, {plural(told.epochs, 'epoch')} in all"
    stages.add_row("in all", f"{told.total_trainings:,}", total, style="bold")
    console.print(stages)
    console.print()
    looks = table(
        "look", "repetitions", "trainings", "decides below p", "smallest sign-flip p",
        numbers=("repetitions", "trainings"),
    )  # fmt: skip
    for place, repetitions in enumerate(plan.design.looks):
        count, smallest = told.trainings_per_look[place], told.minimum_p[place]
        level = f"{found.levels[place]:.3g}"
        looks.add_row(str(place + 1), f"{repetitions:,}", f"{count:,}", level, f"{smallest:.3g}")
    console.print(looks)
    console.print()
    _show_reach(console, plan, found)
    console.print(facts([("-", claim) for claim in told.claims]))
    console.print()
    console.print(facts(_resources(plan)))


def _show_reach(console: Console, plan: Plan, found: Outlook) -> None:
    """What the design would find, for the pairs whose noise is known."""
    if found.reaches:
        reached = table("pair", "noise (sd)", f"finds (power {POWER:g})", "the margin takes")
        for pair in plan.pairs:
            if pair.name in found.reaches:
                reach = found.reaches[pair.name]
                unit, finds = pair.metric.unit, reach.detectable[-1]
                takes = "over a million" if reach.for_margin is None else f"{reach.for_margin:,}"
                reached.add_row(
                    pair.name,
                    margin(_rounded(reach.noise.sd), unit),
                    "-" if finds is None else f"from {margin(_rounded(finds), unit)}",
                    f"{takes} repetitions",
                )
        console.print(reached)
        sources = {reach.noise.source for reach in found.reaches.values()}
        console.print(Text(f"noise: {'; '.join(sorted(sources))}", style="dim"))
    missing = len(plan.pairs) - len(found.reaches)
    if missing:
        of = "" if missing == len(plan.pairs) else f" of {plural(missing, 'pair')}"
        console.print(
            f"The noise{of} is not known: --noise SD guesses it, or a first run measures it."
        )
    console.print()


def _rounded(value: float) -> float:
    """To two digits: the noise is not known better."""
    return float(f"{value:.2g}")


def _where(plan: Plan) -> str:
    compared = {" against ".join(pair.variants) for pair in plan.pairs}
    what = compared.pop() if len(compared) == 1 else "two variants each"
    return f"({plural(len(plan.pairs), 'pair')}, {what}, Keras on {plan.backend})"


def _size(pair: PairPlan) -> str:
    return "not matched" if pair.budget is None else f"{pair.budget:,} each"


def _stage(plan: Plan, stage: str) -> str:
    search, design = plan.search, plan.design
    replicates = plural(design.looks[-1], "repetition")
    if len(plan.pairs) > 1:
        replicates = f"{plural(len(plan.pairs), 'pair')} x {replicates}"
    if stage == "search":
        pruned = "" if search.pruner == "none" else f", {search.pruner} pruning"
        if design.anew == "seeds":
            replicates = replicates.replace(plural(design.looks[-1], "repetition"), "1 search")
        variants = "2 variants and the control" if design.noise_floor else "2 variants"
        return f"{replicates} x {variants} x {plural(search.trials, 'trial')} ({search.sampler}{pruned})"
    if stage == "retrain":
        winners = 3 if design.noise_floor else 2
        return f"{replicates} x {winners} winners x {plural(design.retrain, 'fresh training')}, on the test split"
    return f"{replicates}: the reference rebuilt as a graph must end with the same weights"


def _resources(plan: Plan) -> list[tuple[str, str]]:
    resources = plan.resources
    each = plural(resources.cpus_per_trial, "CPU")
    if resources.gpus_per_trial:
        each += f" and {resources.gpus_per_trial:g} GPU"
    most = (
        "as many at once as fit"
        if resources.max_parallel is None
        else (f"at most {resources.max_parallel} at once")
    )
    sources = dict.fromkeys(f"{pair.source} ({pair.name})" for pair in plan.pairs)
    return [
        ("each training", f"{each}, at most {duration(resources.trial_timeout_seconds)}; {most}"),
        ("data", "; ".join(sources)),
        (
            "tracking",
            plan.mlflow or "MLflow's store in the home folder",
        ),
    ]
