"""Pydantic's errors in the words of people who write configs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from service.contracts.errors import did_you_mean, nearest
from service.plan.document import KeyPath
from service.plan.schema import Config
from service.plan.values import RangeConfig

_RULES: Mapping[str, str] = {
    "missing": "this key is required",
    "extra_forbidden": "unknown key",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "list_type": "must be a list",
    "too_short": "must not be empty",
    "too_long": "must hold at most {max_length} values",
    "dict_type": "must hold keys with values",
    "model_type": "must hold keys with values",
    "model_attributes_type": "must hold keys with values",
    "union_tag_not_found": "must be a list of values, or {{low, high, log}}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "greater_than": "must be above {gt}",
    "less_than": "must be below {lt}",
}
_LONGEST_VALUE = 60


class Written:
    """A value as a config writes it, cut where it is long; `UserError` prints it with `repr`."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __repr__(self) -> str:
        text = repr(self.value)
        if isinstance(self.value, bool):
            text = str(self.value).lower()
        elif isinstance(self.value, float) and self.value.is_integer():
            text = f"{self.value:g}"
        return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 3] + "..."


def written(value: object) -> Written | None:
    """The value for an error's `value`; None where nothing was given."""
    return None if value is None else Written(value)


def path_of(error: ErrorDetails) -> KeyPath:
    """Where the error is, without the tag that pydantic puts in for each kind of range."""
    path = error["loc"]
    return path[:3] + path[4:] if path[:2] == ("search", "space") and len(path) > 3 else path


def explain(error: ErrorDetails) -> tuple[str, Written | None, str | None]:
    """Put one of pydantic's errors into words.

    Args:
        error: one item of `ValidationError.errors()`.

    Returns:
        The rule, the value given (None where none was) and a hint (or None).
    """
    kind, value = error["type"], error["input"]
    context = error.get("ctx", {})
    if kind == "missing":
        return _RULES[kind], None, None
    if kind == "extra_forbidden":
        path = path_of(error)
        return _RULES[kind], None, did_you_mean(str(path[-1]), keys_at(path[:-1]))
    if kind == "literal_error":
        return _not_a_choice(str(context["expected"]), value)
    if kind == "value_error":
        rule = str(context["error"])
    else:
        bounds = {name: repr(Written(bound)) for name, bound in context.items()}
        rule = _RULES.get(kind, "is not valid here").format(**bounds)
    hint = "put it in quotes" if kind == "string_type" and _quotable(value) else None
    if value is None:
        return f"{rule}, but it is empty", None, hint
    return rule, Written(value), hint


def _quotable(value: object) -> bool:
    return isinstance(value, bool | int | float)


def _not_a_choice(expected: str, value: object) -> tuple[str, Written | None, str | None]:
    choices = re.findall(r"'([^']*)'", expected)
    rule = f"must be one of {', '.join(choices)}"
    if value is None:
        return f"{rule}, but it is empty", None, None
    close = nearest(value, choices) if isinstance(value, str) else None
    return rule, Written(value), f"did you mean '{close}'?" if close else None


def keys_at(path: KeyPath) -> list[str]:
    """The keys that a config may hold at this path; none where it holds no fixed keys."""
    if path[:2] == ("search", "space"):
        return list(RangeConfig.model_fields) if len(path) == 3 else []
    model: type[BaseModel] = Config
    for part in path:
        field = model.model_fields.get(str(part))
        inner = None if field is None else _model(field.annotation)
        if inner is None:
            return []
        model = inner
    return list(model.model_fields)


def _model(annotation: Any) -> type[BaseModel] | None:
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None
