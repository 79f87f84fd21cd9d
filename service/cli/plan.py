"""`archduel plan`: what would be done, what it would cost, and what it could show."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.text import Text

from service.app import planning
from service.app.outlook import document, outlook
from service.cli.screen import (
    advise,
    better,
    duration,
    facts,
    margin,
    plural,
    results,
    table,
    write_json,
)
from service.cli.session import Session
from service.contracts.plan import PairPlan, Plan


def plan(session: Session, config: Path, overrides: list[str], *, as_json: bool) -> None:
    """Print the plan; nothing is started and no data is read.

    Raises:
        UserError: the config has a mistake.
    """
    planned = planning.load(config, overrides)
    if as_json:
        write_json(document(planned))
        return
    show(results(), planned.plan)
    sets = [word for override in overrides for word in ("--set", override)]
    advise(session, (("run", str(config), *sets), "do it"))


def show(console: Console, plan: Plan) -> None:
    """Print a plan for people."""
    told = outlook(plan)
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
        "look", "repetitions", "trainings", "smallest p", numbers=("repetitions", "trainings")
    )
    for place, repetitions in enumerate(plan.design.looks):
        count, smallest = told.trainings_per_look[place], told.minimum_p[place]
        looks.add_row(str(place + 1), f"{repetitions:,}", f"{count:,}", f"{smallest:.3g}")
    console.print(looks)
    console.print()
    console.print(facts([("-", claim) for claim in told.claims]))
    console.print()
    console.print(facts(_resources(plan)))


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
        return f"{replicates} x 2 variants x {plural(search.trials, 'trial')} ({search.sampler}{pruned})"
    if stage == "retrain":
        return f"{replicates} x 2 winners x {plural(design.retrain, 'fresh training')}, on the test split"
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
