"""Whatever is refused is one line in JSON, and a fault of the service says nothing of its inside."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from service.contracts.entry import Conflict, IllegalMove, NoSuchEntry, TooMany
from service.contracts.errors import ArchduelError, UserError
from service.contracts.wire import Problem

STATUSES: Mapping[type[ArchduelError], int] = {
    NoSuchEntry: 404,
    IllegalMove: 409,
    Conflict: 409,
    TooMany: 429,
    UserError: 422,
    ArchduelError: 503,
}
"""The first that an error is an instance of counts."""

UNPROCESSABLE = 422
TEXT = {"type": "string"}
EVERY = (400, 401, 403, 413, 422, 429, 503)
"""Any route may answer with these."""


class Refused(Exception):
    """A request that is not carried out.

    Args:
        status: of HTTP.
        detail: one line for people.
        missing: files that have to be sent first.
        headers: for the answer.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        missing: tuple[str, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.missing = missing
        self.headers = headers


def told(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: a route may answer with these, and with what every route may answer with."""
    return {
        status: {"model": Problem, "description": HTTPStatus(status).phrase}
        for status in sorted({*EVERY, *statuses})
    }


def told_beside(
    kind: str, *statuses: int, schema: Mapping[str, Any] = TEXT
) -> dict[int | str, dict[str, Any]]:
    """The same for a route that answers with something other than JSON where all goes well.

    Args:
        kind: the media type of that.
        statuses: that it may answer with.
        schema: of what it answers with.
    """
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    refusals: dict[int | str, dict[str, Any]] = {
        status: {"content": {"application/json": problem}, "description": HTTPStatus(status).phrase}
        for status in sorted({*EVERY, *statuses})
    }
    return {200: {"content": {kind: {"schema": dict(schema)}}}, **refusals}


def answer(
    status: int,
    detail: str,
    missing: tuple[str, ...] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem as an answer."""
    problem = Problem(detail=" ".join(detail.split()), missing=list(missing))
    return JSONResponse(problem.model_dump(), status, headers)


def status_of(error: ArchduelError) -> int:
    """The status of HTTP for an error of archduel's own."""
    return next(status for kind, status in STATUSES.items() if isinstance(error, kind))


def install(app: FastAPI) -> None:
    """Have an application answer every error with a problem."""

    @app.exception_handler(Refused)
    def refused(request: Request, error: Refused) -> JSONResponse:
        return answer(error.status, error.detail, error.missing, error.headers)

    @app.exception_handler(ArchduelError)
    def ours(request: Request, error: ArchduelError) -> JSONResponse:
        return answer(status_of(error), str(error))

    @app.exception_handler(RequestValidationError)
    def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"] if part not in ("body", "query"))
        text = f"{place}: {first['msg']}" if place else str(first["msg"])
        return answer(UNPROCESSABLE, text)

    @app.exception_handler(HTTPException)
    def plain(request: Request, error: HTTPException) -> JSONResponse:
        return answer(error.status_code, str(error.detail), headers=error.headers)
