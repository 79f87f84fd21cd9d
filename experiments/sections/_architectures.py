"""Both models drawn next to each other, and the code that builds them."""

from __future__ import annotations

from service.contracts.results import TrialResult
from service.report.document import Beside, Code, Drawing
from service.report.drawing import told
from service.report.view import PairView


def architectures(pair: PairView) -> list[Beside]:
    """Both models drawn next to each other, and the code that builds them."""
    rows = [row for row in pair.structures if row is not None]
    found = []
    if rows:
        drawn = tuple(_drawing(row) for row in rows)
        found.append(Beside("The two architectures", drawn, _DRAWN))
    code = [Code(pair.builders[v], v, "python") for v in pair.plan.variants if v in pair.builders]
    if code:
        found.append(Beside("The code of both builders", tuple(code), _CODE, folded=True))
    return found


_DRAWN = (
    "The graphs of the models that ran, first to last layer from top to bottom: each line is a "
    "layer with its settings, its output's shape and its weights. Orange lines lead past layers; "
    "a dashed frame marks a further call of layers drawn before, whose weights are shared; what "
    "comes several times in a row is drawn once."
)
_CODE = (
    "As it was when the experiment began, with what each builder uses of its own file; the code "
    "digest in the recipe covers it."
)


def _drawing(row: TrialResult) -> Drawing:
    assert row.structure is not None
    spec = row.spec
    title = f"{spec.variant}, winner of repetition {spec.repetition}, {row.parameters:,} parameters"
    return Drawing(title, told(row.structure, spec.variant), row.structure)
