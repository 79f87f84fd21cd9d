"""The pages for people: the queue, each experiment, its report, and the login.

They are made here and work without scripts; one small script keeps them fresh. What changes anything
is a form, and the guard refuses forms of other origins.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse

from service.api.context import Asks, Caller, Id, Serves
from service.api.experiments import report_of, stop
from service.api.html import page
from service.api.identity import identify
from service.api.paged import COOKIE, Paged
from service.api.problems import Refused
from service.api.sandbox import policy_of
from service.api.streams import After, LastEventId, follow
from service.contracts.entry import ENDED, Entry, EntryState, Event, Role
from service.contracts.wire import PATTERN_ID
from service.queue.latest import latest

router = APIRouter(route_class=Paged, include_in_schema=False)
login_router = APIRouter(include_in_schema=False)

SHOWN = 50
LINES = 200
_OURS = re.compile(r"/(experiments/x[0-9a-z]{16}(/report)?)?")


@router.get("/")
def queue(
    service: Serves,
    caller: Asks,
    state: Annotated[EntryState | None, Query()] = None,
    before: Annotated[str | None, Query(pattern=PATTERN_ID)] = None,
) -> HTMLResponse:
    """All experiments, the latest submitted first."""
    entries = service.queue.page(state=state, limit=SHOWN + 1, before=before)
    counts = service.queue.counts()
    return page(
        "queue.html.j2", service, caller,
        experiments=entries[:SHOWN],
        before=entries[SHOWN - 1].id if len(entries) > SHOWN else None,
        counts={each.value: counts[each] for each in EntryState},
        total=sum(counts.values()),
        chosen=state.value if state else None,
    )  # fmt: skip


@router.get("/experiments/{id}")
def experiment(id: Id, service: Serves, caller: Asks) -> HTMLResponse:
    """One experiment as it stands."""
    entry = service.queue.get(id)
    events = latest(service.queue.database, id, ("state", "line"), LINES + 1)
    return page(
        "experiment.html.j2", service, caller,
        experiment=entry,
        ended=entry.state in ENDED,
        reported=entry.ledger_key is not None,
        may_cancel=_may_cancel(entry, caller),
        happened=[(event.at, _sentence(event)) for event in events[-LINES:]],
        earlier=len(events) > LINES,
        after=events[-1].id if events else 0,
        config=entry.config, overrides=entry.overrides, files=entry.files, ledger=entry.ledger_key,
    )  # fmt: skip


def _may_cancel(entry: Entry, caller: Caller) -> bool:
    if entry.state in ENDED or entry.state is EntryState.CANCELLING:
        return False
    own = entry.owner == caller.user and caller.role.includes(Role.SUBMITTER)
    return own or caller.role is Role.ADMIN


def _sentence(event: Event) -> str:
    if event.kind == "line":
        return str(event.data["text"])
    reason = event.data.get("reason")
    return f"{event.data['state']}{f': {reason}' if reason else ''}"


@router.get("/experiments/{id}/report")
def report(id: Id, service: Serves) -> HTMLResponse:
    """The report, in a sandbox."""
    text = report_of(service, id, "html")
    return HTMLResponse(text, headers={"Content-Security-Policy": policy_of(text)})


@router.get("/experiments/{id}/mlflow")
def mlflow(id: Id, service: Serves) -> Response:
    """The experiment in MLflow. Only who goes there waits for MLflow to find it."""
    address = service.results.tracking(service.queue.get(id))
    if address is None:
        raise Refused(404, "MLflow does not know this experiment yet.")
    return _see(address)


@router.get("/experiments/{id}/stream")
def stream(
    id: Id, service: Serves, caller: Asks, after: After = 0, last_event_id: LastEventId = None
) -> StreamingResponse:
    """What happens, for the page's script."""
    return follow(service, caller, id, int(last_event_id or after))


@router.post("/experiments/{id}/cancel")
def cancel(id: Id, request: Request, service: Serves, caller: Asks) -> Response:
    """Cancel it, and show it again."""
    _from_a_page_of_ours(request)
    stop(service, caller, id)
    return _see(f"/experiments/{id}")


@login_router.get("/login")
def login_page(service: Serves, to: Annotated[str, Query(alias="next")] = "/") -> Response:
    """Ask for a token."""
    if service.insecure_local:
        return _see("/")
    return page("login.html.j2", service, None, wrong=None, next=_ours(to))


@login_router.post("/login")
async def login(
    request: Request,
    service: Serves,
    token: Annotated[str, Form(max_length=1000)],
    to: Annotated[str, Form(alias="next", max_length=200)] = "/",
) -> Response:
    """Keep a token in a cookie that scripts cannot read and other sites cannot send."""
    _from_a_page_of_ours(request)
    try:
        caller = await identify(request, token.strip())
    except Refused as refused:
        wrong = "This token is not known here, or not valid any more."
        if refused.status != 401:
            wrong = refused.detail
        return await run_in_threadpool(
            page, "login.html.j2", service, None, status=refused.status, wrong=wrong, next=_ours(to)
        )
    request.state.caller = caller
    answer = _see(_ours(to))
    answer.set_cookie(
        COOKIE, token.strip(), httponly=True, samesite="strict", secure=service.secure, path="/"
    )
    return answer


@login_router.post("/logout")
def logout(request: Request) -> Response:
    """Forget the cookie."""
    _from_a_page_of_ours(request)
    answer = _see("/login")
    answer.delete_cookie(COOKIE, path="/")
    return answer


def _from_a_page_of_ours(request: Request) -> None:
    """Refuse a form that does not say that it is ours; the guard refuses what names another origin."""
    ours: Literal["same-origin"] = "same-origin"
    if request.headers.get("sec-fetch-site", ours) != ours or "origin" not in request.headers:
        raise Refused(403, "this form must be sent by a page of this service")


def _ours(path: str) -> str:
    """A page of this service to go to after the login; never another site's."""
    return path if _OURS.fullmatch(path) else "/"


def _see(path: str) -> RedirectResponse:
    return RedirectResponse(path, 303)
