"""From the results of one pair to what is known about it; the order of the results is irrelevant."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from service.contracts.pair import CONTROL
from service.contracts.plan import PairPlan, Plan
from service.contracts.trial import Stage, Status
from service.evidence.records import Failure, PairTally, Repetition, Side, Trace
from service.evidence.regimes import regimes
from service.evidence.rows import AnyRow, Row, lean
from service.evidence.selection import winner
from service.evidence.spending import budget, costs
from service.evidence.traces import best_so_far, trace

_STAGES = {stage: place for place, stage in enumerate(Stage)}
_NO_WEIGHTS = (Status.LOST, Status.TIMED_OUT, Status.OUT_OF_MEMORY)

Cell = tuple[str, Stage, int]
Cells = Mapping[Cell, Sequence[Row]]


def ordered(pair: PairPlan, results: Iterable[AnyRow], repetitions: int) -> list[AnyRow]:
    """Return this pair's results up to a look: each trial once, in the order of the plan.

    Args:
        pair: whose results are wanted.
        results: results of any pairs and repetitions, in any order.
        repetitions: repetitions planned up to the look.

    Returns:
        Sorted by repetition, variant, stage and number.

    Raises:
        ValueError: a result of this pair has a variant that the pair does not have.
    """
    names = (*pair.variants, CONTROL)
    unique = {
        result.spec.id: result
        for result in results
        if result.spec.pair == pair.name and result.spec.repetition < repetitions
    }
    for result in unique.values():
        if result.spec.variant not in names:
            raise ValueError(f"pair '{pair.name}' has no variant '{result.spec.variant}'")
    return sorted(
        unique.values(),
        key=lambda result: (
            result.spec.repetition,
            names.index(result.spec.variant),
            _STAGES[result.spec.stage],
            result.spec.number,
            result.spec.id,
        ),
    )


def tally(plan: Plan, pair: PairPlan, results: Iterable[Row], repetitions: int) -> PairTally:
    """Say what the results tell about one pair.

    Args:
        plan: the experiment's plan.
        pair: one of its pairs.
        results: what the ledger holds, in any order; other pairs' results are passed over.
        repetitions: repetitions planned up to the look; later ones are passed over.

    Returns:
        One record per planned repetition, spending, costs, mean curves and failures.

    Raises:
        ValueError: a result of this pair has a variant that the pair does not have.
    """
    rows = ordered(pair, lean(results), repetitions)
    cells: dict[Cell, list[Row]] = defaultdict(list)
    for row in rows:
        cells[row.spec.variant, row.spec.stage, row.spec.repetition].append(row)
    retrained = {
        name: [row for row in rows if _is(row, name, Stage.RETRAIN) and row.ok]
        for name in pair.variants
    }
    n_retrained = repetitions * plan.design.retrain
    planned = {
        Stage.SEARCH: plan.design.searches(repetitions) * plan.search.trials,
        Stage.RETRAIN: n_retrained,
        Stage.CONTROL: repetitions,
    }
    tuned = (*pair.variants, CONTROL) if plan.design.noise_floor else pair.variants
    spenders = [(name, stage) for stage in (Stage.SEARCH, Stage.RETRAIN) for name in tuned]
    return PairTally(
        pair=pair.name,
        variants=pair.variants,
        repetitions=tuple(_repetition(plan, pair, cells, index) for index in range(repetitions)),
        budgets=tuple(
            budget(name, stage, planned[stage], [row for row in rows if _is(row, name, stage)])
            for name, stage in [*spenders, (CONTROL, Stage.CONTROL)]
        ),
        costs=costs(retrained[pair.variants[0]], retrained[pair.variants[1]], n_retrained),
        validation_curves=_both(
            pair, {n: [r.curve.validation for r in retrained[n]] for n in retrained}, n_retrained
        ),
        loss_curves=_both(
            pair, {n: [r.curve.loss for r in retrained[n]] for n in retrained}, n_retrained
        ),
        search_curves=_both(
            pair,
            {
                name: [
                    best_so_far(pair.metric, cells[name, Stage.SEARCH, index], plan.search.trials)
                    for index in range(plan.design.searches(repetitions))
                ]
                for name in pair.variants
            },
            plan.design.searches(repetitions),
        ),
        failures=tuple(
            _failure(row) for row in rows if row.status not in (Status.OK, Status.PRUNED)
        ),
        regimes=regimes(
            pair.metric,
            pair.variants,
            [
                {name: cells.get((name, Stage.SEARCH, index), ()) for name in pair.variants}
                for index in range(plan.design.searches(repetitions))
            ],
            plan.design.searches(repetitions),
        ),
    )


def _is(row: Row, variant: str, stage: Stage) -> bool:
    return row.spec.variant == variant and row.spec.stage is stage


def _both(
    pair: PairPlan, lines: Mapping[str, Sequence[Sequence[float | None]]], n_planned: int
) -> tuple[Trace, Trace]:
    first, second = (trace(name, lines[name], n_planned) for name in pair.variants)
    return first, second


def _failure(row: Row) -> Failure:
    spec = row.spec
    reason = row.reason or "no reason was recorded"
    return Failure(spec.variant, spec.stage, spec.repetition, spec.number, row.status, reason)


def _repetition(plan: Plan, pair: PairPlan, cells: Cells, index: int) -> Repetition:
    reference, challenger = (_side(plan, pair, cells, name, index) for name in pair.variants)
    difference = None
    if reference.mean is not None and challenger.mean is not None:
        difference = pair.metric.gain(challenger.mean, reference.mean)
    reasons = [
        f"{side.variant}: {side.missing}" for side in (reference, challenger) if side.missing
    ]
    retrained = [row for name in pair.variants for row in _cell(cells, name, Stage.RETRAIN, index)]
    baselines = [row.baseline_score for row in retrained if row.baseline_score is not None]
    control, status = _control(pair, cells, index)
    noise = None
    if plan.design.noise_floor:
        twin = _side(plan, pair, cells, CONTROL, index)
        if twin.mean is not None and reference.mean is not None:
            noise = pair.metric.gain(twin.mean, reference.mean)
    return Repetition(
        index=index,
        reference=reference,
        challenger=challenger,
        difference=difference,
        baseline=baselines[0] if baselines else None,
        control=control,
        control_status=status,
        missing="; ".join(reasons) or None,
        noise=noise,
    )


def _cell(cells: Cells, variant: str, stage: Stage, index: int) -> Sequence[Row]:
    return cells.get((variant, stage, index), ())


def _side(plan: Plan, pair: PairPlan, cells: Cells, variant: str, index: int) -> Side:
    search = _cell(cells, variant, Stage.SEARCH, plan.design.search_of(index))
    retrained = _cell(cells, variant, Stage.RETRAIN, index)
    won = winner(pair.metric, search)
    k = plan.design.retrain
    scores = [row.test_score for row in retrained if row.ok and row.test_score is not None]
    searched = len(search) >= plan.search.trials
    missing = None
    if not searched:
        missing = f"search not finished, {len(search)} of {plan.search.trials} trials recorded"
    elif won is None:
        missing = f"none of {len(search)} search trials ended ok"
    elif len(scores) < k:
        # A mean over the winners that survived would favour the variant that fails more often.
        ends = [f"number {r.spec.number} {r.status.value}" for r in retrained if not r.ok]
        ends += [f"{k - len(retrained)} not recorded"] if len(retrained) < k else []
        missing = f"{len(scores)} of {k} retrained winners have a test score"
        missing += f" ({', '.join(ends)})" if ends else ""
    return Side(
        variant=variant,
        winner=dict(won.hyperparameters) if won else None,
        winner_number=won.spec.number if won else None,
        validation=won.score if won else None,
        scores=tuple(scores),
        n_planned=k,
        mean=math.fsum(scores) / len(scores) if missing is None else None,
        parameters=next((row.parameters for row in retrained if row.parameters), None),
        missing=missing,
        finished=searched and (won is None or len(retrained) >= k),
    )


def _control(pair: PairPlan, cells: Cells, index: int) -> tuple[bool | None, Status | None]:
    controls = _cell(cells, CONTROL, Stage.CONTROL, index)
    retrained = _cell(cells, pair.variants[0], Stage.RETRAIN, index)
    first = next((row for row in retrained if row.spec.number == 0), None)
    if not controls:
        return None, None
    status = controls[0].status
    if first is None or not first.ok or first.weights_digest is None or status in _NO_WEIGHTS:
        return None, status  # a machine's mishap says nothing about the weights
    return all(row.ok and row.weights_digest == first.weights_digest for row in controls), status
