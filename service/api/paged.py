"""The class of the pages' routes: the token is in a cookie, and every error is a page."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute

from service.api.context import service_of
from service.api.html import page
from service.api.identity import admit, identify
from service.api.problems import Refused, status_of
from service.contracts.entry import Role
from service.contracts.errors import ArchduelError

COOKIE = "archduel"

_TITLES = {403: "Not allowed", 404: "Not found", 409: "Not now", 429: "Too many requests"}


class Paged(APIRoute):
    """A page. Who has no valid cookie is sent to the login."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with the look at the cookie before it."""
        original = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                caller = await identify(request, request.cookies.get(COOKIE))
                admit(request, caller, Role.VIEWER)
                return await original(request)
            except RequestValidationError:
                return _problem(request, 404, "There is no such page.")
            except Refused as refused:
                if refused.status == 401:
                    return RedirectResponse(f"/login?next={quote(request.url.path)}", 303)
                return _problem(request, refused.status, refused.detail)
            except ArchduelError as error:
                return _problem(request, status_of(error), str(error))

        return handler


def _problem(request: Request, status: int, detail: str) -> Response:
    return page(
        "problem.html.j2", service_of(request), getattr(request.state, "caller", None), status,
        title=_TITLES.get(status, "This did not work"), detail=detail,
    )  # fmt: skip
