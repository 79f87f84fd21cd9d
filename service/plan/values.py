"""The types of single values in a config: what each may be, in words and as JSON Schema."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    PlainValidator,
    Tag,
    WithJsonSchema,
)

from service.contracts.pair import Scalar

_NAME = r"^[a-z0-9][a-z0-9._-]{0,62}$"
_ADDRESS = r"^(auto|https?://.+|sqlite://.+|file:.+)$"
_DURATION = r"^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$"
_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_LONGEST = 30 * 86_400
_MOST_LOOKS = 20
_MOST_REPETITIONS = 10_000


def _name(value: str) -> str:
    if not re.fullmatch(_NAME, value):
        raise ValueError(
            "must be 1 to 63 lower-case letters, digits, '.', '_' or '-', "
            "starting with a letter or a digit"
        )
    return value


def _one_as_list(value: Any) -> Any:
    return [value] if isinstance(value, str | int) and not isinstance(value, bool) else value


def _seconds(value: Any) -> float:
    """Seconds of a duration: 90s, 30m, 1h30m, or a plain number of seconds."""
    seconds = 0.0
    if isinstance(value, str) and re.fullmatch(_DURATION, value):
        seconds = sum(
            float(n) * _SECONDS[unit] for n, unit in re.findall(r"([0-9]+)([dhms])", value)
        )
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value) if abs(value) <= _LONGEST else float("inf")
    if not 0 < seconds <= _LONGEST:
        raise ValueError("must be a duration from 1s to 30d, such as 90s, 30m or 1h30m")
    return seconds


def _parallel(value: Any) -> int | Literal["auto"]:
    if value == "auto":
        return "auto"
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    raise ValueError("must be auto or a whole number of at least 1")


def _gpus(value: float) -> float:
    if value > 1 and not float(value).is_integer():
        raise ValueError("must be a fraction of one GPU or a whole number of GPUs")
    return value


def _address(value: str) -> str:
    if not re.fullmatch(_ADDRESS, value):
        raise ValueError("must be auto or an address that starts with http, https, file or sqlite")
    return value


def _scalar(value: Any) -> Scalar:
    if isinstance(value, bool | int | float | str):
        return value
    raise ValueError("must be a number, a word, true or false")


def _distinct(values: list[Scalar]) -> list[Scalar]:
    if len({repr(value) for value in values}) < len(values):
        raise ValueError("must not hold a value twice")
    return values


class Section(BaseModel):
    """A part of the config: immutable, strict about types, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class RangeConfig(Section):
    """A numeric range of one hyperparameter, both ends included."""

    low: float = Field(description="The least value.")
    high: float = Field(description="The greatest value; not below `low`.")
    log: bool = Field(
        default=False, description="Search on a logarithmic scale; `low` must then be above 0."
    )


def _shape(value: Any) -> str | None:
    if isinstance(value, list):
        return "values"
    return "range" if isinstance(value, dict | RangeConfig) else None


Item = Annotated[
    Scalar,
    PlainValidator(_scalar),
    WithJsonSchema({"type": ["boolean", "number", "string"]}),
]
Values = Annotated[list[Item], Field(min_length=1), AfterValidator(_distinct)]
Narrowed = Annotated[
    Annotated[Values, Tag("values")] | Annotated[RangeConfig, Tag("range")],
    Discriminator(_shape),
]

Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra={"pattern": _NAME})]
Address = Annotated[str, AfterValidator(_address), Field(json_schema_extra={"pattern": _ADDRESS})]
Gpus = Annotated[float, AfterValidator(_gpus), Field(ge=0, le=64)]

Parallel = Annotated[
    int | Literal["auto"],
    PlainValidator(_parallel),
    WithJsonSchema({"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1}]}),
]

Duration = Annotated[
    float,
    PlainValidator(_seconds),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": _DURATION},
                {"type": "number", "exclusiveMinimum": 0, "maximum": _LONGEST},
            ]
        }
    ),
]
"""Seconds."""

References = Annotated[
    list[Annotated[str, Field(min_length=1)]],
    Field(min_length=1),
    BeforeValidator(_one_as_list),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
                {"type": "string", "minLength": 1},
            ]
        }
    ),
]
"""Pairs; one alone may stand without a list."""

Looks = Annotated[
    list[Annotated[int, Field(ge=1, le=_MOST_REPETITIONS)]],
    Field(min_length=1, max_length=_MOST_LOOKS),
    BeforeValidator(_one_as_list),
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "array",
                    "items": {"type": "integer", "minimum": 1, "maximum": _MOST_REPETITIONS},
                    "minItems": 1,
                    "maxItems": _MOST_LOOKS,
                },
                {"type": "integer", "minimum": 1, "maximum": _MOST_REPETITIONS},
            ]
        }
    ),
]
"""Cumulative repetitions; one alone may stand without a list."""
