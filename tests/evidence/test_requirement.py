"""Requirements: what is read, what is met, and what is not known is not met."""

from __future__ import annotations

import pytest

from service.contracts.errors import UserError
from service.evidence import latest
from service.evidence.requirement import Requirement
from tests.evidence import synthetic


def judgement(**changes):
    made = synthetic.experiment(truth=synthetic.Truth(effect=0.05, **changes))
    return latest(made.plan, made.pair, made.results)


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ("functional >= sequential", True),
        ("functional>=sequential by 0.01", True),
        ("functional >= sequential by 0.2", False),
        ("sequential >= functional", False),
        ("sequential >= functional by -0.2", True),
    ],
)
def test_the_whole_interval_must_lie_beyond(text: str, met: bool):
    found = judgement()
    low, high = found.verdict.interval
    assert 0.01 < low < 0.05 < high < 0.2
    shown, why = Requirement.parse(text).met(found)
    assert shown is met
    assert "required: at least" in why


def test_lower_is_better_where_the_metric_says_so():
    plan = synthetic.make_plan(
        [synthetic.pair_plan(direction="minimize", metric="error", unit="kW")]
    )
    made = synthetic.experiment(plan=plan, truth=synthetic.Truth(effect=0.05))
    found = latest(made.plan, made.pair, made.results)
    assert Requirement.parse("functional >= sequential").met(found)[0]


def test_what_is_not_known_is_not_met():
    plan = synthetic.make_plan()
    empty = latest(plan, plan.pairs[0], [])
    shown, why = Requirement.parse("functional >= sequential by -1").met(empty)
    assert not shown
    assert "no interval" in why


@pytest.mark.parametrize("text", ["functional > sequential", "functional", "a >= b by much", ""])
def test_other_texts_are_the_users_mistake(text: str):
    with pytest.raises(UserError, match="write VARIANT >= VARIANT by AMOUNT"):
        Requirement.parse(text)


def test_names_must_be_the_pairs():
    found = judgement()
    with pytest.raises(UserError, match="did you mean 'functional'"):
        Requirement.parse("functionl >= sequential").met(found)
    with pytest.raises(UserError, match="must differ"):
        Requirement.parse("functional >= functional").met(found)
