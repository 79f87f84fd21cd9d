"""Which hyperparameters decided how good a variant got, from its recorded search trials."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from service.contracts.plan import PairPlan, Plan, RangePlan
from service.contracts.ports import Told
from service.contracts.results import TrialResult
from service.contracts.trial import Stage
from service.stores.optuna_search import coded, frozen, is_fixed, quieten

BEST_SHARE = 0.2
"""A hyperparameter matters by how differently it is spread among this best share of the trials."""

FEWEST = 25
"""Trials that make the best share 5, which the method wants at least."""


def importances(
    plan: Plan, results: Iterable[TrialResult]
) -> dict[str, dict[str, dict[str, float] | None]]:
    """Tell each variant's hyperparameter importance.

    PED-ANOVA (Watanabe, Bansal & Hutter 2023), by Optuna: the Pearson divergence between where the
    best fifth of the trials lies and where all of them lie, in shares that sum to 1. The trials of
    all repetitions count together, each score less the mean of its own search: splits differ in how
    hard they are.

    Args:
        plan: the experiment's plan.
        results: what the ledger holds, in any order.

    Returns:
        By pair and variant, the share of each hyperparameter that is searched, by name; None with
        fewer than 25 trials that ended ok, or where nothing is searched.
    """
    rows = [row for row in results if row.spec.stage is Stage.SEARCH and row.score is not None]
    return {
        pair.name: {
            variant: _importance(
                pair,
                pair.spaces[variant],
                [
                    row
                    for row in rows
                    if row.ok and (row.spec.pair, row.spec.variant) == (pair.name, variant)
                ],
            )
            for variant in pair.variants
        }
        for pair in plan.pairs
    }


def _importance(
    pair: PairPlan, space: Mapping[str, RangePlan], rows: Sequence[TrialResult]
) -> dict[str, float] | None:
    searched = {name: plan for name, plan in space.items() if not is_fixed(plan)}
    if not searched or len(rows) < FEWEST:
        return None
    import optuna

    quieten(optuna)
    study = optuna.create_study(
        storage=optuna.storages.InMemoryStorage(), direction=pair.metric.direction
    )
    distributions = {name: coded(name, searched[name]) for name in sorted(searched)}
    study.add_trials([frozen(told, searched, distributions) for told in _centred(rows, searched)])
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=BEST_SHARE)
    found = optuna.importance.get_param_importances(
        study, evaluator=evaluator, params=list(distributions)
    )
    total = math.fsum(found.values())
    return {name: float(found[name]) / total for name in sorted(found)} if total > 0 else None


def _centred(rows: Sequence[TrialResult], searched: Mapping[str, RangePlan]) -> list[Told]:
    """The trials in the order of the plan, each with its score less the mean of its search."""
    by_search: dict[int, list[float]] = {}
    for row in rows:
        by_search.setdefault(row.spec.repetition, []).append(row.score or 0.0)
    means = {index: math.fsum(scores) / len(scores) for index, scores in by_search.items()}
    ordered = sorted(rows, key=lambda row: (row.spec.repetition, row.spec.number))
    return [
        Told(
            hyperparameters={name: row.spec.hyperparameters[name] for name in searched},
            status=row.status,
            score=(row.score or 0.0) - means[row.spec.repetition],
        )
        for row in ordered
    ]
