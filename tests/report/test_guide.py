"""The guide's claims follow the recorded facts, and flip when those do."""

from __future__ import annotations

import pytest

from experiments.sections._claims import claims, rows
from experiments.sections._measured import measured
from experiments.sections.guide import section
from service.contracts.pair import CONTROL
from service.contracts.structure import Call, Fault, Structure
from service.contracts.trial import Stage
from service.evidence.boilerplate import boilerplate
from service.report import ReportInput
from service.report.view import look_at
from tests.evidence import synthetic

SEQUENTIAL = '''
def sequential(hyperparameters):
    """A stack."""
    from keras import Input, Sequential, layers

    # nothing but layers
    return Sequential([Input((4,)), layers.Dense(3)])
'''
FUNCTIONAL = """
def functional(hyperparameters):
    from keras import Input, Model, layers

    x = Input((4,))
    hidden = layers.Dense(3)(x)
    return Model(x, layers.Concatenate()([x, hidden]))
"""


def structure(*, chain: bool, sequential: bool, named: bool) -> Structure:
    calls = [
        Call(layer="x", kind="InputLayer", shapes=((4,),)),
        Call(layer="a", kind="Dense", inputs=(0,), tensors=(0,), shapes=((3,),), parameters=15),
    ]
    inputs = (1,) if chain else (0, 1)
    calls.append(
        Call(
            layer="b", kind="Concatenate", inputs=inputs, tensors=(0,) * len(inputs), shapes=((7,),)
        )
    )
    fault = Fault(layer="a", error="ValueError", message="a does not fit", named=named)
    return Structure(
        calls=tuple(calls), inputs=(0,), outputs=(2,), sequential=sequential, fault=fault
    )


def measure(
    *,
    chain: bool = False,
    named: tuple[bool, bool] = (True, True),
    slower: float = 1.0,
    same: bool = True,
):
    made = synthetic.experiment()
    results = []
    for row in made.results:
        changes = {}
        if row.spec.stage is Stage.RETRAIN and row.spec.number == 0:
            first = row.spec.variant == "sequential"
            changes["structure"] = structure(
                chain=first or chain, sequential=first, named=named[not first]
            )
        if row.spec.variant == CONTROL:
            seconds = row.cost.train_seconds * slower * (1 + 0.001 * (row.spec.repetition % 3))
            changes["cost"] = row.cost.model_copy(update={"train_seconds": seconds})
            if not same:
                changes["weights_digest"] = "other"
        results.append(row.model_copy(update=changes))
    code = {"sequential": SEQUENTIAL, "functional": FUNCTIONAL}
    facts = {"builders": {"residual_vs_plain": code}}
    return look_at(ReportInput(made.plan, results, facts))


def words(view) -> dict[str, str]:
    found = measured(view)
    table = {row.about: row.result.word for row in rows(found)}
    return {**table, **{claim: result.word for claim, _, result in claims(found)}}


def test_rows_and_claims_of_a_skip():
    found = words(measure())
    assert found["structure"] == "holds"
    assert found["skip connections"] == "holds"
    assert found["branching"] == "holds"
    assert found["inputs"] == found["layer sharing"] == "not tested here"
    assert found["learning curve"] == "not measured"
    assert found["boilerplate"] == "holds"
    assert found["debugging"] == "does not hold"
    assert found["Sequential can do everything"] == "does not hold"
    assert found["Functional is slower"] == "does not hold"
    assert found["The difference is the architecture, not the API"] == "holds"


def test_answers_flip_with_the_facts():
    assert words(measure(slower=1.4))["Functional is slower"] == "holds"
    assert words(measure(named=(True, False)))["debugging"] == "holds"
    other = words(measure(chain=True, same=False))
    assert other["Sequential can do everything"] == "not tested here"
    assert other["structure"] == "not tested here"
    assert other["The difference is the architecture, not the API"] == "does not hold"


def test_nothing_recorded_is_called_so():
    made = synthetic.experiment(control=False)
    view = look_at(ReportInput(made.plan, made.results, {}))
    found = words(view)
    assert set(found.values()) <= {"not tested here", "not measured"}
    assert section(view) is not None


@pytest.mark.parametrize(("code", "expected"), [(SEQUENTIAL, (3, 0)), (FUNCTIONAL, (5, 2))])
def test_boilerplate_counts_what_is_written(code: str, expected: tuple[int, int]):
    found = boilerplate(code)
    assert found is not None
    assert (found.lines, found.named) == expected


def test_text_that_is_no_python_has_no_boilerplate():
    assert boilerplate("def (") is None
