"""Which hyperparameters mattered, from recorded trials."""

from __future__ import annotations

import random

import pytest

from service.contracts.plan import RangePlan
from service.stores.optuna_importance import FEWEST, importances
from tests.stores.store_factories import a_pair, a_plan, a_result

SPACE = {
    "learning_rate": RangePlan(kind="real", low=1e-4, high=1e-1, log=True),
    "batch_size": RangePlan(kind="choice", values=(16, 32)),
    "fixed": RangePlan(kind="choice", values=(3,)),
}


def trials(count, score, variant="sequential"):
    rng = random.Random(5)
    rows = []
    for number in range(count):
        tuned = {
            "learning_rate": 10 ** rng.uniform(-4, -1),
            "batch_size": rng.choice([16, 32]),
            "fixed": 3,
        }
        row = a_result(number, variant=variant, rep=number % 4)
        spec = row.spec.model_copy(update={"hyperparameters": tuned})
        # Splits differ far more than settings do: without centring, nothing would be seen.
        hard = 50.0 * (number % 4)
        rows.append(row.model_copy(update={"spec": spec, "score": hard + score(tuned, rng)}))
    return rows


def a_plan_of(direction="maximize"):
    metric = a_pair().metric.model_copy(update={"direction": direction})
    spaces = {"sequential": SPACE, "functional": SPACE}
    return a_plan(pairs=(a_pair(metric=metric, spaces=spaces),))


@pytest.mark.parametrize(("direction", "sign"), [("maximize", 1), ("minimize", -1)])
def test_what_decides_the_score_gets_the_share(direction, sign):
    rows = trials(80, lambda t, rng: sign * ((t["batch_size"] == 16) + 0.01 * rng.random()))
    found = importances(a_plan_of(direction), rows)["iris"]
    assert set(found["sequential"]) == {"learning_rate", "batch_size"}
    assert sum(found["sequential"].values()) == pytest.approx(1.0)
    assert found["sequential"]["batch_size"] > 0.7
    assert found["functional"] is None  # it has no trial


def test_the_order_of_the_results_does_not_matter():
    rows = trials(40, lambda t, rng: rng.random())
    assert importances(a_plan_of(), rows) == importances(a_plan_of(), rows[::-1])


def test_few_trials_tell_nothing():
    rows = trials(FEWEST - 1, lambda t, rng: rng.random())
    assert importances(a_plan_of(), rows) == {"iris": {"sequential": None, "functional": None}}


def test_failed_and_pruned_trials_are_left_out():
    rows = trials(FEWEST, lambda t, rng: rng.random())
    bad = [row.model_copy(update={"status": "pruned"}) for row in rows[:1]]
    assert importances(a_plan_of(), [*bad, *rows[1:]])["iris"]["sequential"] is None
