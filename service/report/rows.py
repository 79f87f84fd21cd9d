"""The rows that travel within a report: enough of them to make every printed number again."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from service.contracts.plan import Plan
from service.contracts.results import Cost, Curve, TrialResult
from service.contracts.trial import Stage, content_hash
from service.report.columns import columns, records
from service.report.view import ReportInput


class Unreadable(Exception):
    """What a report carries are no rows: they are damaged, or of another version."""


def kept(results: Sequence[TrialResult]) -> list[TrialResult]:
    """Leave out what no report prints, which is most of the bytes.

    Args:
        results: rows in any order.

    Returns:
        The same rows in an order of their own: learning curves of the retrained winners alone,
        losses to six digits, of searches no digests of weights and timings to four digits, and of
        each variant the first graph and those with a planted mistake.
    """
    found, drawn = [], set()
    for row in sorted(results, key=_order):
        changes: dict[str, Any] = {}
        if row.spec.stage is not Stage.RETRAIN:
            changes["curve"] = Curve()
        else:
            loss = tuple(float(f"{value:.6g}") for value in row.curve.loss)
            changes["curve"] = Curve(loss=loss, validation=row.curve.validation)
        if row.spec.stage is Stage.SEARCH:
            changes["weights_digest"] = None
            changes["cost"] = _rounded(row.cost)
        model = (row.spec.pair, row.spec.variant)
        if row.structure is not None and row.structure.fault is None and model in drawn:
            changes["structure"] = None
        elif row.structure is not None:
            drawn.add(model)
        found.append(row.model_copy(update=changes))
    return found


def _rounded(cost: Cost) -> Cost:
    """Timings that are summed up, never printed one by one."""
    timings = ("train_seconds", "compile_seconds", "total_seconds")
    return cost.model_copy(update={name: float(f"{getattr(cost, name):.4g}") for name in timings})


def _order(row: TrialResult) -> tuple[str, str, int, str, int, str]:
    """What is alike comes together, so that it packs well."""
    spec = row.spec
    return spec.pair, spec.stage.value, spec.repetition, spec.variant, spec.number, spec.id


def fingerprint(results: Sequence[TrialResult]) -> str:
    """A hash of the kept rows: it changes with any digit of any of them."""
    return content_hash([row.model_dump(mode="json") for row in kept(results)], 16)


def pack(report_input: ReportInput) -> str:
    """Plan, facts and kept rows as text that a page can carry.

    Args:
        report_input: what the report is made of, see `for_a_page`.

    Returns:
        JSON, compressed by gzip, in base64; the rows as columns, see `service.report.columns`.
    """
    rows = [_briefly(row.model_dump(mode="json")) for row in kept(report_input.results)]
    document = {
        "plan": report_input.plan.model_dump(mode="json"),
        "facts": report_input.facts,
        "columns": columns(rows) if rows else {},
    }
    text = json.dumps(document, allow_nan=False, separators=(",", ":"))
    return compressed(text)


def compressed(text: str) -> str:
    """A text by gzip in base64; equal texts give equal results."""
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()


def decompressed(packed: str) -> str:
    """The text that `compressed` has packed.

    Raises:
        Unreadable: it is damaged.
    """
    try:
        return gzip.decompress(base64.b64decode(packed, validate=True)).decode()
    except (binascii.Error, OSError, EOFError, zlib.error, ValueError) as error:
        raise Unreadable(" ".join(str(error).split())[:200]) from error


def unpack(packed: str) -> ReportInput:
    """What `pack` has packed.

    Raises:
        Unreadable: it is damaged, or another version made it.
    """
    try:
        document = json.loads(decompressed(packed))
        rows = [_in_full(row) for row in records(document.pop("columns"))]
        return from_document({**document, "results": rows})
    except ValueError as error:
        raise Unreadable(" ".join(str(error).split())[:200]) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise Unreadable(f"no columns of rows: {type(error).__name__}: {error}") from error


def _briefly(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose hyperparameters are told once: the model's as a list of what the spec's lack."""
    asked, got = row["spec"]["hyperparameters"], row["hyperparameters"]
    added = [(name, value) for name, value in got.items() if name not in asked]
    same = json.dumps({**asked, **dict(added)}) == json.dumps(got)
    return {**row, "hyperparameters": added} if same else row


def _in_full(row: dict[str, Any]) -> dict[str, Any]:
    """What `_briefly` has shortened."""
    got = row["hyperparameters"]
    if not isinstance(got, list):
        return row
    return {**row, "hyperparameters": {**row["spec"]["hyperparameters"], **dict(got)}}


def from_document(document: Any) -> ReportInput:
    """A report's input from its JSON: plan, facts and results.

    Raises:
        Unreadable: something of it is missing, or is not what this version knows.
    """
    try:
        facts = document["facts"]
        if not isinstance(facts, Mapping):
            raise Unreadable("facts must be a mapping")
        return ReportInput(
            plan=Plan.model_validate(document["plan"], strict=False),
            results=[TrialResult.model_validate(row) for row in document["results"]],
            facts=facts,
        )
    except (KeyError, TypeError) as error:
        raise Unreadable(f"{type(error).__name__}: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise Unreadable(f"{place}: {first['msg']}") from error


def for_a_page(report_input: ReportInput) -> ReportInput:
    """The input that a page is made of: what it carries is all that it knows."""
    facts = json.loads(json.dumps(dict(report_input.facts), allow_nan=False, default=str))
    return replace(report_input, results=kept(report_input.results), facts=facts)
