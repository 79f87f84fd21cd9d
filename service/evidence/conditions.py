"""Conditions that the recorded trainings themselves must meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from service.contracts.pair import CONTROL
from service.contracts.plan import PairPlan, Plan
from service.contracts.trial import Stage
from service.evidence.check import Check, listed
from service.evidence.records import PairTally
from service.evidence.rows import Row


def trials(plan: Plan, pair: PairPlan, rows: Sequence[Row], found: PairTally) -> Check:
    """Check that every finished repetition has the planned number of search trials, each side."""
    name = "Both variants had the same number of search trials"
    searches = range(plan.design.searches(found.n_planned))
    counts = {(variant, index): 0 for variant in pair.variants for index in searches}
    for row in rows:
        if row.spec.stage is Stage.SEARCH and row.spec.variant in pair.variants:
            counts[row.spec.variant, row.spec.repetition] += 1
    want = plan.search.trials
    wrong = [
        f"{variant} had {counts[variant, index]} of {want} search trials in repetition {index}"
        for index in searches
        for variant in pair.variants
        if counts[variant, index] > want
        or (found.repetitions[index].finished and counts[variant, index] != want)
    ]
    if wrong:
        return Check(name, False, f"unequal budget: {listed(wrong)}")
    if found.n_finished == 0:
        return Check(name, None, "no repetition is finished")
    done = f"each of {found.n_finished}/{found.n_planned} repetitions"
    if plan.design.anew == "seeds":
        done = "the one search that all repetitions share"
    return Check(name, True, f"{want} per variant in {done}, failed and pruned ones included")


def epochs(pair: PairPlan, rows: Sequence[Row]) -> Check:
    """Check that every training had the planned epoch cap and kept to it."""
    name = "Both variants had the same epoch cap"
    caps = sorted({row.spec.epochs for row in rows if row.spec.variant != CONTROL})
    if not caps:
        return Check(name, None, "no training is recorded")
    over = [row for row in rows if row.epochs > row.spec.epochs]
    if caps != [pair.epochs]:
        return Check(
            name, False, f"unequal budget: epoch caps {caps} where {pair.epochs} was planned"
        )
    if over:
        return Check(
            name, False, f"unequal budget: {len(over)} trainings went beyond the epoch cap"
        )
    return Check(name, True, f"at most {caps[0]} epochs in all of {len(rows)} trainings")


def data(pair: PairPlan, rows: Sequence[Row]) -> Check:
    """Check that all trainings saw the same data and ran the planned code."""
    name = "All trainings used the same data and code"
    if not rows:
        return Check(name, None, "no training is recorded")
    data = sorted({row.spec.data for row in rows})
    code = sorted({row.spec.code for row in rows})
    if len(data) > 1:
        return Check(name, False, f"the data differ: fingerprints {', '.join(data)}")
    if code != [pair.code]:
        return Check(name, False, f"the code differs from the plan's: digests {', '.join(code)}")
    return Check(name, True, f"data fingerprint {data[0]}, code digest {code[0]}")


_SHARED: tuple[tuple[str, Callable[[Row], Any]], ...] = (
    ("split seeds", lambda row: row.spec.seeds.split),
    ("numbers of examples", lambda row: row.examples),
    ("baseline scores", lambda row: row.baseline_score),
    ("runtimes", lambda row: row.spec.runtime),
)


def splits(plan: Plan, pair: PairPlan, rows: Sequence[Row]) -> Check:
    """Check that a repetition's trainings share split, counts, baseline and runtime."""
    fixed = plan.design.anew != "split"
    name = "Within a repetition, all trainings used the same split"
    if not rows:
        return Check(name, None, "no training is recorded")
    wrong = []
    for repetition in sorted({row.spec.repetition for row in rows}):
        mine = [row for row in rows if row.spec.repetition == repetition]
        for what, read in _SHARED:
            if len({read(row) for row in mine} - {None}) > 1:
                wrong.append(f"{what} differ in repetition {repetition}")
    seeds = {row.spec.repetition: row.spec.seeds.split for row in rows}
    if not fixed and len(set(seeds.values())) < len(seeds):
        wrong.append("two repetitions share a split")
    if fixed and len(set(seeds.values())) > 1:
        wrong.append("the split was to be fixed, and repetitions differ in it")
    if wrong:
        return Check(name, False, f"not the same split: {listed(wrong)}")
    detail = f"{len(seeds)} splits, one per repetition, each shared by both variants"
    return Check(name, True, "one split, fixed for all repetitions" if fixed else detail)
