"""The report for machines: the verdict and every row behind it.

Keys of the top level:

- `format`: 1; it changes when a key changes its meaning.
- `experiment`, `protocol_hash`: whose report it is.
- `plan`: the whole plan, see `service.contracts.plan.Plan`.
- `rows_fingerprint`: a hash of `results`; any changed digit of any row changes it.
- `facts`: versions, hardware and such, as they were given.
- `pairs`: one record per pair: `sentence`, `label`, `verdict` (see `service.stats` `Verdict`), `checks`,
  `warnings`, `repetitions`, `budgets`, `costs`, `failures` and mean curves
  (see `service.evidence.records`); all numbers in the metric's own unit.
- `together`: all pairs: each one's effect, p-values and weight, and the mean over pairs (see
  `service.evidence.together.Together`).
- `results`: every trial result of the ledger, see `service.contracts.results.TrialResult`, with its
  `id`, in the order of pair, repetition, variant, stage and number.

Missing values are null; there is no NaN.
"""

from __future__ import annotations

import json
from typing import Any

from service.contracts.trial import content_hash
from service.evidence import plain, together
from service.evidence.tally import ordered
from service.report.view import ReportInput, look_at

FORMAT = 1


def to_dict(report_input: ReportInput) -> dict[str, Any]:
    """Return the report as JSON-able values, with the keys told above.

    Args:
        report_input: plan, results and facts.

    Returns:
        Dicts, lists, texts, finite numbers, booleans and None.
    """
    view = look_at(report_input)
    plan = view.plan
    every = max((result.spec.repetition for result in report_input.results), default=-1) + 1
    results = [
        {"id": result.spec.id, **result.model_dump(mode="json")}
        for pair in plan.pairs
        for result in ordered(pair, report_input.results, every)
    ]
    return {
        "format": FORMAT,
        "experiment": plan.experiment,
        "protocol_hash": plan.protocol_hash,
        "rows_fingerprint": content_hash(results, 16),
        "plan": plan.model_dump(mode="json"),
        "facts": dict(report_input.facts),
        "pairs": [{"label": pair.label[0], **pair.judgement.to_dict()} for pair in view.pairs],
        "together": plain(together(plan, [pair.judgement for pair in view.pairs])),
        "results": results,
    }


def to_json(report_input: ReportInput) -> str:
    """Return the report as JSON text.

    Args:
        report_input: plan, results and facts; facts that JSON does not know are told as text.

    Returns:
        Indented JSON, ending in a newline.
    """
    return json.dumps(to_dict(report_input), indent=1, allow_nan=False, default=str) + "\n"
