"""What a client sends, checked before it is sent."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from service.contracts.errors import UserError

Model = TypeVar("Model", bound=BaseModel)


def given(kind: type[Model], **values: Any) -> Model:
    """The body of a request.

    Raises:
        UserError: the first value that the service would refuse, in one line.
    """
    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        value = first["input"] if isinstance(first["input"], int | float) else None
        key = ".".join(str(part) for part in first["loc"])
        raise UserError(first["msg"], key=key, value=value) from None
