"""Scores by test example: how they are kept, and the interval that covers other examples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from service.contracts.by_example import ExampleScores
from service.contracts.results import TrialResult
from service.contracts.trial import Stage
from service.evidence import latest
from service.report import ReportInput, render
from service.stats.twoway import two_way
from tests.evidence import synthetic


def test_scores_come_back_in_the_order_of_the_examples() -> None:
    rng = np.random.default_rng(1)
    positions, scores = rng.permutation(5_000)[:1_000], rng.normal(3, 2, 1_000)
    kept = ExampleScores.model_validate_json(
        ExampleScores.pack(positions, scores).model_dump_json()
    )
    back_positions, back = kept.unpack()
    order = np.argsort(positions)
    assert (back_positions == positions[order]).all()
    assert np.abs(back - scores[order]).max() <= np.ptp(scores) / 65_535
    assert len(kept.model_dump_json()) < 5_000


@pytest.mark.parametrize("values", [[0, 1], [1], [0.25, 0.5, 1]])
def test_few_values_are_exact_and_small(values: list[float]) -> None:
    scores = np.random.default_rng(2).choice(values, 1_000)
    kept = ExampleScores.pack(np.arange(1_000), scores)
    assert kept.unpack()[1] == pytest.approx(scores, abs=1e-5)
    assert len(kept.model_dump_json()) < 800


def made(
    *, fixed: bool, effect: float = 0.03, examples: int = 60
) -> tuple[Any, list[TrialResult], dict[int, tuple[Any, Any]]]:
    """Ten repetitions whose winners are right or wrong on each of their test examples."""
    given = synthetic.experiment(repetitions=10)
    rng = np.random.default_rng(7)
    hard = rng.normal(0, 1, 200)  # of each example in the data set
    favour = rng.normal(0, 0.7, 200)
    cells: dict[int, tuple[Any, Any]] = {}
    results = []
    for row in given.results:
        spec = row.spec
        if spec.stage is not Stage.RETRAIN:
            results.append(row)
            continue
        draw = np.random.default_rng(0 if fixed else spec.repetition)
        where = np.sort(draw.permutation(200)[:examples])
        challenger = spec.variant == given.pair.variants[1]
        ability = 1.0 + challenger * (effect + favour[where])
        own = np.random.default_rng([spec.repetition, spec.number, challenger])
        right = (ability + own.normal(0, 0.5, examples) > hard[where]).astype(float)
        score = float(right.mean())
        packed = ExampleScores.pack(where, right)
        results.append(row.model_copy(update={"test_score": score, "by_example": packed}))
        cell = cells.setdefault(spec.repetition, (where, np.zeros(examples)))
        sign = 1 if challenger else -1
        cell[1][:] += sign * right / given.plan.design.retrain
    return given, [row for row in results if row.spec.stage is not Stage.CONTROL], cells


@pytest.mark.parametrize("fixed", [True, False])
def test_the_interval_is_the_two_way_one(fixed: bool) -> None:
    given, results, cells = made(fixed=fixed)
    judged = latest(given.plan, given.pair, results[::-1])
    found = judged.over_examples
    by_hand = two_way(
        [cells[index][1] for index in range(10)],
        judged.verdict.look_alpha,
        [cells[index][0] for index in range(10)],
    )
    assert found is not None
    assert found.mean == pytest.approx(judged.verdict.mean_difference)
    assert found.interval == pytest.approx(by_hand.interval)
    assert found.n_examples == len({int(i) for where, _ in cells.values() for i in where})
    assert found.example_variance is not None
    assert found.example_variance > 0
    assert judged.to_dict()["over_examples"]["n_repetitions"] == 10


def test_a_fixed_test_set_makes_the_interval_over_repetitions_too_narrow() -> None:
    given, results, _ = made(fixed=True)
    judged = latest(given.plan, given.pair, results)
    narrow, wide = judged.verdict.interval, judged.over_examples.interval
    assert wide[1] - wide[0] > 1.2 * (narrow[1] - narrow[0])


def test_what_is_not_known_gives_no_such_interval() -> None:
    given, results, _ = made(fixed=True)
    place = next(i for i, row in enumerate(results) if row.by_example is not None)
    results[place] = results[place].model_copy(update={"by_example": None})
    assert latest(given.plan, given.pair, results).over_examples is None


def test_it_is_told_in_the_report_and_warned_of_where_it_includes_0() -> None:
    given, results, _ = made(fixed=True)
    judged = latest(given.plan, given.pair, results)
    text = render(ReportInput(given.plan, results, {}), "md")
    assert "mean difference on other examples" in text
    low, high = judged.over_examples.interval
    warned = any("covers the test examples too" in warning for warning in judged.warnings)
    assert warned == (judged.verdict.detectable and low <= 0 <= high)
