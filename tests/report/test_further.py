# ruff: noqa: RUF001
"""Further metrics and further trivial answers are told beside the verdict, with their counts."""

from __future__ import annotations

import pytest

from service.contracts.plan import MetricPlan
from service.contracts.trial import Stage
from service.report import ReportInput, render
from tests.evidence import synthetic


@pytest.fixture(scope="module")
def told() -> str:
    """The text of a report: in the first repetition the reference's BLEU was no number."""
    bleu = MetricPlan(name="BLEU", direction="maximize", unit="points of 100")
    error = MetricPlan(name="token error", direction="minimize", unit="fraction")
    pair = synthetic.pair_plan().model_copy(update={"also": (bleu, error)})
    made = synthetic.experiment(plan=synthetic.make_plan([pair], looks=(3,), retrain=1))
    rows = []
    for row in made.results:
        spec = row.spec
        if spec.stage is Stage.RETRAIN:
            first = spec.variant == "sequential"
            also = {"BLEU": 10.0 if first else 20.0 + spec.repetition, "token error": 0.25}
            if first and spec.repetition == 0:
                del also["BLEU"]
            references = {"image alone": 0.2 + 0.1 * spec.repetition}
            row = row.model_copy(update={"also": also, "reference_scores": references})
        rows.append(row)
    return render(ReportInput(made.plan, rows), "md")


@pytest.mark.parametrize(
    "row",
    [
        "| test BLEU (higher is better) | 10.0 points of 100 <sub>2/3</sub> | 21.0 points of 100 <sub>3/3</sub> | – |",
        "| test token error (lower is better) | 25.0 % <sub>3/3</sub> | 25.0 % <sub>3/3</sub> | – |",
        "| reference: image alone | 30.00 % <sub>3/3</sub> | 30.00 % <sub>3/3</sub> | – |",
    ],
)
def test_each_has_a_row(told: str, row: str) -> None:
    assert row in told
