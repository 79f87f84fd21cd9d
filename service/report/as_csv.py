"""The rows behind a report as a tidy table: one line per training, one column per quantity.

Columns, in this order; an empty cell is a missing value:

- `experiment`, `protocol`, `pair`: what it belongs to.
- `variant`, `stage`, `repetition`, `number`, `trial`: which training it is; `trial` is its identity.
- `status`, `reason`: how it ended.
- `metric`, `direction`, `unit`: the pair's primary metric.
- `score`, `test_score`, `baseline_score`: it, on the validation split, on the test split, and of the
  trivial answer on the test split; in the metric's own unit.
- `epochs`, `parameters`, `flops`: trained epochs, weights, operations of one forward pass.
- `train_seconds`, `compile_seconds`, `total_seconds`, `latency_seconds`, `peak_memory_bytes`: costs.
- `train_examples`, `validation_examples`, `test_examples`: sizes of the split.
- `seed_split`, `seed_weights`, `seed_order`: the seeds.
- `weights_digest`, `worker`, `attempt`, `finished_at`: what it left, where, at which try, when.
- `param.NAME`: each hyperparameter that any of the trainings had.
- `also.NAME`: each further metric on the test split.
- `reference.NAME`: the primary metric of each further trivial answer on the test split.
"""

from __future__ import annotations

import csv
import io
from typing import Any

from service.contracts.plan import PairPlan
from service.contracts.results import TrialResult
from service.evidence.tally import ordered
from service.report.view import ReportInput


def to_csv(report_input: ReportInput) -> str:
    """Print every row.

    Args:
        report_input: plan, results and facts.

    Returns:
        CSV with a heading, in the order of pair, repetition, variant, stage and number.
    """
    plan = report_input.plan
    every = max((row.spec.repetition for row in report_input.results), default=-1) + 1
    same = {"experiment": plan.experiment, "protocol": plan.protocol_hash}
    lines = [
        {**same, **_line(pair, row)}
        for pair in plan.pairs
        for row in ordered(pair, report_input.results, every)
    ]
    fixed = [*same, *_line(plan.pairs[0], None)]
    more = sorted({name for line in lines for name in line} - set(fixed))
    more.sort(key=lambda name: not name.startswith("param."))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [*fixed, *more], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return buffer.getvalue()


def _line(pair: PairPlan, row: TrialResult | None) -> dict[str, Any]:
    """One training; without one, the columns that all have."""
    spec = None if row is None else row.spec
    cost = None if row is None else row.cost
    sizes = (None if row is None else row.examples) or (None, None, None)
    line: dict[str, Any] = {
        "pair": pair.name,
        **{name: getattr(spec, name, None) for name in ("variant", "stage", "repetition", "number")},
        "trial": getattr(spec, "id", None),
        **{name: getattr(row, name, None) for name in ("status", "reason")},
        "metric": pair.metric.name,
        "direction": pair.metric.direction,
        "unit": pair.metric.unit,
        **{name: getattr(row, name, None) for name in (
            "score", "test_score", "baseline_score", "epochs", "parameters", "flops",
        )},
        **{name: getattr(cost, name, None) for name in (
            "train_seconds", "compile_seconds", "total_seconds", "latency_seconds",
            "peak_memory_bytes",
        )},
        **dict(zip(("train_examples", "validation_examples", "test_examples"), sizes, strict=True)),
        **{f"seed_{name}": getattr(getattr(spec, "seeds", None), name, None)
           for name in ("split", "weights", "order")},
        "weights_digest": getattr(row, "weights_digest", None),
        **{name: getattr(cost, name, None) for name in ("worker", "attempt")},
        "finished_at": getattr(row, "finished_at", None),
    }  # fmt: skip
    if row is not None:
        settings = row.hyperparameters or row.spec.hyperparameters
        line |= {f"param.{name}": value for name, value in settings.items()}
        line |= {f"also.{name}": value for name, value in row.also.items()}
        line |= {f"reference.{name}": value for name, value in row.reference_scores.items()}
    return line
