"""The application: every route, and what stands around them."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import JSONResponse

from service.api import experiments, health, html, pages, streams, uploads
from service.api.context import Asks, Serves, Service
from service.api.guard import Guard
from service.api.identity import BEARER, needs
from service.api.problems import install, told
from service.contracts.entry import Role
from service.contracts.wire import Change, Me

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

viewer = APIRouter(
    prefix="/v1", tags=["service"], route_class=needs(Role.VIEWER), dependencies=[BEARER]
)
admin = APIRouter(
    prefix="/v1", tags=["service"], route_class=needs(Role.ADMIN), dependencies=[BEARER]
)


@viewer.get("/me", responses=told())
def me(service: Serves, caller: Asks) -> Me:
    """Who asks, and what they may."""
    return Me(
        user=caller.user, role=caller.role, version=version("archduel"), limits=service.limits
    )


@viewer.get("/openapi.json", include_in_schema=False)
def openapi(request: Request) -> JSONResponse:
    """The description of this API."""
    return JSONResponse(request.app.openapi())


@admin.get("/audit", responses=told())
def audit(
    service: Serves,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> list[Change]:
    """Who changed what, the latest first."""
    return [Change.of(row) for row in service.audit.page(limit=limit, before=before)]


def make(service: Service) -> FastAPI:
    """The application of a service.

    FastAPI's own pages of documentation are left out: they load scripts from elsewhere.
    """
    app = FastAPI(
        title="archduel",
        version=version("archduel"),
        summary="Submit experiments that compare architectures, and follow them.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    install(app)
    for router in (
        health.anonymous, health.viewer, viewer, admin, experiments.viewer, experiments.submitter,
        streams.router, uploads.router, html.assets, pages.login_router, pages.router,
    ):  # fmt: skip
        app.include_router(router)
    app.add_middleware(
        Guard,
        metrics=service.metrics,
        most_upload=service.limits.upload_bytes,
        hosts=LOOPBACK if service.insecure_local else None,
        public=service.public,
    )
    return app
