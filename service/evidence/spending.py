"""What each variant spent, and what its winners cost."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from statistics import median

from service.contracts.trial import Stage, Status
from service.evidence.records import Budget, Cost
from service.evidence.rows import Row
from service.stats.paired import Interval, t_interval

PASSES_PER_TRAINING_STEP = 3.0

Read = Callable[[Row], float | None]

COSTS: tuple[tuple[str, str, Read], ...] = (
    ("parameters", "", lambda result: result.parameters),
    ("FLOPs", "", lambda result: result.flops),
    ("training time", "s", lambda result: result.cost.train_seconds or None),
    ("latency", "s", lambda result: result.cost.latency_seconds),
    ("peak memory", "B", lambda result: result.cost.peak_memory_bytes),
)
"""Every kind of cost: its name, its unit, and where a result has it; 0 seconds is no timing."""

MEASURED = ("training time", "latency", "peak memory")
"""Costs that depend on the machine and on what else it does; the others follow from the plan."""


def budget(variant: str, stage: Stage, n_planned: int, results: Iterable[Row]) -> Budget:
    """Add up what one variant spent in one stage.

    Args:
        variant: its name, or "control".
        stage: search, retrain or control.
        n_planned: trainings planned.
        results: trainings of this variant and stage, in any order, however they ended.

    Returns:
        The sums; sums of floating-point numbers do not depend on the order.
    """
    rows = list(results)
    counts = Counter(result.status for result in rows)
    return Budget(
        variant=variant,
        stage=stage,
        n_planned=n_planned,
        counts={status: counts[status] for status in Status if counts[status]},
        epochs=sum(result.epochs for result in rows),
        train_seconds=math.fsum(result.cost.train_seconds for result in rows),
        compile_seconds=math.fsum(result.cost.compile_seconds for result in rows),
        flops=_all_flops(rows),
    )


def training_flops(result: Row) -> float | None:
    """Return the operations of one training; None where they are not known."""
    if result.epochs == 0:
        return 0.0
    if result.flops is None or result.examples is None:
        return None
    return PASSES_PER_TRAINING_STEP * result.flops * result.examples[0] * result.epochs


def _all_flops(rows: Sequence[Row]) -> float | None:
    total: list[float] = []
    for result in rows:
        if result.epochs == 0:
            continue
        flops = training_flops(result)
        if flops is None:
            return None
        total.append(flops)
    return math.fsum(total) if total else None


def costs(reference: Sequence[Row], challenger: Sequence[Row], n_planned: int) -> tuple[Cost, ...]:
    """Compare what the retrained winners of the two variants cost.

    Args:
        reference, challenger: retrained winners that ended ok, in any order.
        n_planned: retrained winners planned per variant.

    Returns:
        One record per kind of cost in `COSTS`, in its order. Medians, because a busy machine
        makes timings skewed.
    """
    found = []
    for name, unit, read in COSTS:
        ours, theirs = _known(reference, read), _known(challenger, read)
        first = float(median(ours)) if ours else None
        second = float(median(theirs)) if theirs else None
        ratio = second / first if first and second and first > 0 and second > 0 else None
        interval = None
        if name in MEASURED and ratio is not None:
            ratio, interval = _paired_ratio(reference, challenger, read) or (ratio, None)
        counts = (len(ours), len(theirs))
        found.append(Cost(name, unit, first, second, ratio, interval, counts, n_planned))
    return tuple(found)


def _paired_ratio(
    reference: Sequence[Row], challenger: Sequence[Row], read: Read
) -> tuple[float, Interval | None] | None:
    """The ratio within a repetition, its geometric mean and 95% t interval over repetitions.

    The two variants of a repetition run soon after one another, so that what else the machine
    does falls on both; the logarithm makes a ratio and its inverse count alike.
    """
    ours, theirs = _logs(reference, read), _logs(challenger, read)
    both = sorted(set(ours) & set(theirs))
    logs = [theirs[index] - ours[index] for index in both]
    if not logs:
        return None
    found = t_interval(logs, 0.05).interval
    interval = None if found is None else (math.exp(found[0]), math.exp(found[1]))
    return math.exp(math.fsum(logs) / len(logs)), interval


def _logs(results: Sequence[Row], read: Read) -> dict[int, float]:
    """By repetition, the mean logarithm of the figure."""
    found: dict[int, list[float]] = {}
    for result in sorted(results, key=lambda item: (item.spec.repetition, item.spec.number)):
        value = read(result)
        if value is not None and value > 0:
            found.setdefault(result.spec.repetition, []).append(math.log(value))
    return {index: math.fsum(values) / len(values) for index, values in found.items()}


def _known(results: Sequence[Row], read: Read) -> list[float]:
    return [float(value) for result in results if (value := read(result)) is not None]
