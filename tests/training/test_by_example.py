"""Which metrics are means over examples."""

from __future__ import annotations

import numpy as np
import pytest

from experiments import measures
from service.contracts.metric import Metric
from service.training import by_example


def arrays(metric: Metric) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    rng = np.random.default_rng(3)
    if metric.name == "accuracy":
        return {"y": rng.integers(0, 3, 50)}, {"y": rng.random((50, 3))}
    if metric.name == "ROC AUC":
        return {"y": rng.integers(0, 2, (50, 1))}, {"y": rng.random((50, 1))}
    return {"y": rng.random((50, 1))}, {"y": rng.random((50, 1))}


@pytest.mark.parametrize(
    ("metric", "mean"),
    [
        (measures.accuracy("y"), True),
        (measures.mean_absolute_error("y", "points"), True),
        (measures.root_mean_squared_error("y", "points"), False),
        (measures.roc_auc("y"), False),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_it_is_tried_not_declared(metric: Metric, mean: bool) -> None:
    targets, predictions = arrays(metric)
    whole = metric.score(targets, predictions)
    found = by_example.scores(metric, targets, predictions, whole)
    assert (found is not None) == mean
    if found is not None:
        assert found.mean() == pytest.approx(whole)
        assert found.shape == (50,)


def test_a_metric_that_refuses_one_example_has_no_such_scores() -> None:
    def score(targets: object, predictions: object) -> float:
        raise ValueError("one is too few")

    metric = Metric("odd", "maximize", "", score)
    assert by_example.scores(metric, {"y": np.zeros(3)}, {"y": np.zeros(3)}, 0.0) is None


def test_a_huge_test_set_is_not_looked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(by_example, "MOST", 49)
    metric = measures.accuracy("y")
    targets, predictions = arrays(metric)
    assert by_example.scores(metric, targets, predictions, 0.0) is None
