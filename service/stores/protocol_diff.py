"""What changed between two protocols, key by key, for a message that people can act on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

_NOT_PROTOCOL = ("resources", "mlflow", "config", "experiment", "data_path")
_ABSENT = object()


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The differing keys of two plans' JSON documents, each "dotted.path old -> new".

    Only what `Plan.protocol_hash` covers is compared; pairs are matched by their names.

    Args:
        old, new: plans as `Plan.model_dump(mode="json")` gives them.

    Returns:
        One text a difference, in the order of the keys.
    """
    before, after = _flat(_protocol(old)), _flat(_protocol(new))
    keys = [*before, *(key for key in after if key not in before)]
    return [
        f"{key} {_text(before.get(key, _ABSENT))} -> {_text(after.get(key, _ABSENT))}"
        for key in keys
        if _text(before.get(key, _ABSENT)) != _text(after.get(key, _ABSENT))
    ]


def _protocol(plan: Mapping[str, Any]) -> dict[str, Any]:
    document = {key: value for key, value in plan.items() if key not in _NOT_PROTOCOL}
    document["design"] = {k: v for k, v in plan.get("design", {}).items() if k != "extensions"}
    resources = plan.get("resources", {})
    # Of the resources only these decide the bits (Plan.runtime).
    for key in ("cpus_per_trial", "gpus_per_trial"):
        document[f"resources.{key}"] = resources.get(key)
    return document


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    if isinstance(value, Mapping) and value:
        children = value.items()
    elif isinstance(value, list) and value and all(_named(child) for child in value):
        children = {child["name"]: child for child in value}.items()
    else:
        return {path: value}
    flat: dict[str, Any] = {}
    for key, child in children:
        flat.update(_flat(child, f"{path}.{key}" if path else str(key)))
    return flat


def _named(value: Any) -> bool:
    return isinstance(value, Mapping) and "name" in value


def _text(value: Any) -> str:
    if value is _ABSENT:
        return "(absent)"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
