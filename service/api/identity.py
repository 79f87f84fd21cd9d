"""Who asks: a bearer token on every route of /v1, a cookie that holds one on the pages.

The class of a route says what role it needs. It looks before the request's body is read, so that
nobody without a token can make the service parse anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine
from math import ceil
from typing import Any

from fastapi import Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from service.api.context import Caller, Service, service_of
from service.api.problems import Refused
from service.contracts.entry import Role
from service.contracts.errors import did_you_mean

LONGEST = 200
"""Characters of a token that are looked at."""

BEARER = Security(HTTPBearer(auto_error=False, description="archduel service token add NAME"))
"""For OpenAPI alone; the route's class does the work."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


def needs(role: Role) -> type[APIRoute]:
    """The class of routes that a bearer token of this role opens."""

    class Guarded(APIRoute):
        """Looks at the token first."""

        required = role

        def get_route_handler(self) -> Handler:
            """The handler, with the look before it."""
            original = super().get_route_handler()
            known = {parameter.alias for parameter in self.dependant.query_params}

            async def handler(request: Request) -> Response:
                admit(request, await identify(request, _bearer(request)), role)
                _refuse_unknown(request, known)
                return await original(request)

            return handler

    return Guarded


async def identify(request: Request, token: str | None) -> Caller:
    """Who bears a token.

    Raises:
        Refused: 401 where nobody does, 429 where that was tried too often from one address.
    """
    service = service_of(request)
    if service.insecure_local:
        return Caller("local", Role.ADMIN, 0)
    row = None
    if token and len(token) <= LONGEST and token.isascii():
        row = await run_in_threadpool(service.tokens.check, token)
    if row is None:
        raise _stranger(request, service, "wrong" if token else "missing")
    return Caller(row.user, row.role, row.id)


def admit(request: Request, caller: Caller, role: Role) -> None:
    """Let a caller in who may, and who does not ask too often.

    Raises:
        Refused: 403 or 429.
    """
    service = service_of(request)
    request.state.caller = caller
    try:
        caller.require(role)
    except Refused:
        service.metrics.refusals.labels("role").inc()
        raise
    wait = service.allowance.take(str(caller.token))
    if wait:
        service.metrics.refusals.labels("rate").inc()
        raise _slower(wait)


def _refuse_unknown(request: Request, known: Collection[str]) -> None:
    """Refuse a parameter that would be ignored: it is a mistake of whoever wrote it."""
    for name in request.query_params:
        if name not in known:
            hint = did_you_mean(name, known) if known else "there are none here"
            raise Refused(422, f"unknown parameter {name[:40]!r}; {hint}")


def _bearer(request: Request) -> str | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _stranger(request: Request, service: Service, why: str) -> Refused:
    service.metrics.refusals.labels(why).inc()
    wait = service.strangers.take(request.client.host if request.client else "")
    if wait:
        return _slower(wait)
    said = "needs a token" if why == "missing" else "the token is not known, or not valid any more"
    return Refused(
        401,
        f"{said}: send it as Authorization: Bearer TOKEN",
        headers={"WWW-Authenticate": 'Bearer realm="archduel"'},
    )


def _slower(seconds: float) -> Refused:
    after = str(max(1, ceil(seconds)))
    return Refused(
        429, f"too many requests; ask again in {after} s", headers={"Retry-After": after}
    )
