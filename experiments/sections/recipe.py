"""The recipe: all that is needed to get the same numbers again."""

from __future__ import annotations

from collections.abc import Mapping

from service.contracts.strategy import described
from service.report.document import Block, Cell, Code, Column, Section, Table, Text, Value
from service.report.rows import fingerprint
from service.report.view import View

PLACE = 70


def section(view: View) -> Section | None:
    """How to run it again."""
    plan, facts = view.plan, view.facts
    commands = [str(facts.get("command") or "archduel run config.yaml")]
    for count in plan.design.extensions:
        commands.append(f"archduel extend {plan.experiment} --repetitions {count}")
    blocks: list[Block] = [
        Text(
            "Save the config below, install the versions below, and run the command. The same "
            "protocol hash gives the same numbers, timings aside: bit for bit on one type of CPU "
            "with the same libraries, to rounding elsewhere."
        ),
        Code("\n".join(commands), "Command"),
        Code(plan.config, "Config"),
    ]
    rows: list[tuple[Cell, ...]] = [
        ("protocol hash", plan.protocol_hash),
        ("rows", f"{len(view.rows):,} trainings, fingerprint {fingerprint(view.rows)}"),
        ("root seed", str(plan.design.seed)),
        ("backend", plan.backend),
        ("CPUs per trial", str(plan.resources.cpus_per_trial)),
        ("GPUs per trial", f"{plan.resources.gpus_per_trial:g}"),
    ]
    rows += [(name, str(facts[name])) for name in ("started", "finished") if facts.get(name)]
    for name in ("versions", "hardware"):
        known = facts.get(name)
        if isinstance(known, Mapping):
            rows += [(str(key), str(value)) for key, value in known.items()]
    for pair in view.pairs:
        where = f", {pair.plan.name}" if len(view.pairs) > 1 else ""
        rows.append((f"code digest{where}", pair.plan.code))
        for data in sorted({row.spec.data for row in pair.results}):
            rows.append((f"data fingerprint{where}", data))
    blocks.append(Table("Conditions", (Column("what"), Column("value")), tuple(rows)))
    blocks += computed(view)
    seeds: dict[tuple[str, int], int] = {}
    for pair in view.pairs:
        for row in pair.results:
            seeds.setdefault((pair.plan.name, row.spec.repetition), row.spec.seeds.split)
    if seeds:
        blocks.append(
            Table(
                "Seeds of the splits",
                (Column("pair"), Column("repetition", "number"), Column("seed", "number")),
                tuple(
                    (name, Value(repetition, unit="count"), str(seed))
                    for (name, repetition), seed in seeds.items()
                ),
                "Every seed is derived from the root seed and the names of what it is for.",
                folded=True,
            )
        )
    return Section("recipe", "Recipe", tuple(blocks))


def computed(view: View) -> list[Block]:
    """How trainings were computed, why so, and what was measured to choose it."""
    chosen = [
        (pair.plan, pair.plan.strategy) for pair in view.pairs if pair.plan.strategy is not None
    ]
    if not chosen:
        return []
    blocks: list[Block] = [
        Table(
            "How trainings were computed",
            (Column("pair"), Column("strategy"), Column("what it is"), Column("why")),
            tuple(
                (plan.name, choice.strategy, described(choice.strategy), choice.reason)
                for plan, choice in chosen
            ),
            "Both variants of a pair are computed alike. What was chosen is kept with the "
            "experiment; training.strategy in the config forces one.",
        )
    ]
    timings = [(plan, timing) for plan, choice in chosen for timing in choice.timings]
    if timings:
        blocks.append(
            Table(
                "What was measured to choose it",
                (
                    Column("pair"),
                    Column("variant"),
                    Column("strategy"),
                    Column("until it runs", "number"),
                    Column("a warm epoch", "number"),
                ),
                tuple(
                    (
                        plan.name,
                        timing.variant,
                        timing.strategy,
                        timing.error or Value(timing.compile_seconds, unit="s"),
                        Value(None if timing.error else timing.epoch_seconds, unit="s"),
                    )
                    for plan, timing in timings
                ),
                "A model in the middle of its ranges, before the first trial.",
                folded=True,
            )
        )
    return blocks
