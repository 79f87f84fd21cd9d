"""Whether the service lives, whether it can work, and its figures."""

from __future__ import annotations

from fastapi import APIRouter, Response

from service.api.context import Serves
from service.api.identity import BEARER, needs
from service.api.metrics import CONTENT_TYPE
from service.api.problems import told, told_beside
from service.contracts.entry import Role
from service.contracts.wire import Health, Readiness

NEEDED = ("database", "store")
"""Without these nothing can be submitted. Without Ray or MLflow experiments wait, and are taken."""

anonymous = APIRouter(tags=["health"])
viewer = APIRouter(tags=["health"], route_class=needs(Role.VIEWER), dependencies=[BEARER])


@anonymous.get("/healthz")
async def healthz() -> Health:
    """The process is alive. It asks nothing of anything else."""
    return Health()


@anonymous.get("/readyz", responses={503: {"model": Readiness, "description": "Not ready"}})
def readyz(service: Serves, response: Response) -> Readiness:
    """Whether the service can take experiments. Who has no token learns no more than that."""
    checks = service.checks()
    ready = all(checks[part] == "ok" for part in NEEDED)
    response.status_code = 200 if ready else 503
    return Readiness(ready=ready, checks={})


@viewer.get("/v1/ready", responses=told())
def ready(service: Serves) -> Readiness:
    """Part by part, what works and what does not."""
    checks = service.checks()
    return Readiness(ready=all(checks[part] == "ok" for part in NEEDED), checks=checks)


@viewer.get("/metrics", response_class=Response, responses=told_beside("text/plain"))
def metrics(service: Serves) -> Response:
    """For Prometheus."""
    return Response(service.metrics.text(), media_type=CONTENT_TYPE)
