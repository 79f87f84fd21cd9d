"""Experiments: submitted, looked at, changed, forgotten."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import HTMLResponse, PlainTextResponse

from service.api.context import Asks, Caller, Id, Serves, Service
from service.api.identity import BEARER, needs
from service.api.problems import Refused, told, told_beside
from service.api.sandbox import policy_of
from service.contracts.entry import Attachment, Entry, EntryState, Role, Submission
from service.contracts.errors import UserError
from service.contracts.wire import (
    PATTERN_ID,
    Counts,
    Experiment,
    ExperimentInFull,
    GivenExperiment,
    GivenExtension,
    GivenFile,
    GivenParallel,
    Happening,
    Page,
)
from service.hosting.admission import admit

viewer = APIRouter(
    prefix="/v1", tags=["experiments"], route_class=needs(Role.VIEWER), dependencies=[BEARER]
)
submitter = APIRouter(
    prefix="/v1", tags=["experiments"], route_class=needs(Role.SUBMITTER), dependencies=[BEARER]
)

Form = Literal["html", "md", "tex", "csv", "json", "txt"]
TYPES: dict[Form, str] = {
    "html": "text/html",
    "md": "text/markdown",
    "tex": "application/x-tex",
    "csv": "text/csv",
    "json": "application/json",
    "txt": "text/plain",
}


@submitter.post(
    "/experiments",
    status_code=201,
    responses={
        **told(409),
        200: {"model": ExperimentInFull, "description": "It is known: same key, or same content."},
    },
)
def submit(
    given: GivenExperiment,
    service: Serves,
    caller: Asks,
    response: Response,
    idempotency_key: Annotated[
        str | None, Header(min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")
    ] = None,
) -> ExperimentInFull:
    """Submit an experiment. Sending the same again is harmless: it is the same experiment.

    Its files are sent to /v1/blobs first; the answer 409 names those that are missing."""
    name = admit(given.config, given.overrides, [file.path for file in given.files])
    submission = Submission(
        owner=caller.user,
        name=name,
        config=given.config,
        overrides=tuple(given.overrides),
        files=_attached(service, given.files),
        priority=given.priority,
        max_parallel=given.max_parallel,
        key=given.key or idempotency_key,
        anew=given.anew,
    )
    entry, made = service.queue.submit(submission)
    service.metrics.submissions.labels("no" if made else "yes").inc()
    if made:
        service.audit.add(caller.user, "submit", entry.id, {"name": name})
        service.nudge()
    response.status_code = 201 if made else 200
    response.headers["Location"] = f"/v1/experiments/{entry.id}"
    return ExperimentInFull.of(entry)


def _attached(service: Service, files: list[GivenFile]) -> tuple[Attachment, ...]:
    sizes = {file.sha256: service.files.size(file.sha256) for file in files}
    missing = tuple(sha256 for sha256, size in sizes.items() if size is None)
    if missing:
        raise Refused(409, "files are missing: send them to /v1/blobs first", missing=missing)
    attached = tuple(
        Attachment(path=file.path, sha256=file.sha256, size=sizes[file.sha256] or 0)
        for file in files
    )
    most = service.limits.upload_bytes
    if sum(file.size for file in attached) > most:
        raise Refused(413, f"the files of a submission must have at most {most:,} bytes together")
    return attached


@viewer.get("/experiments", responses=told())
def page(
    service: Serves,
    state: EntryState | None = None,
    owner: Annotated[str | None, Query(max_length=100, pattern=r"^[\x20-\x7e]*$")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    before: Annotated[str | None, Query(pattern=PATTERN_ID)] = None,
) -> Page:
    """Experiments, the latest submitted first."""
    entries = service.queue.page(state=state, owner=owner, limit=limit + 1, before=before)
    shown = entries[:limit]
    more = shown[-1].id if len(entries) > limit else None
    return Page(experiments=[Experiment.of(entry) for entry in shown], before=more)


@viewer.get("/counts", responses=told())
def counts(service: Serves) -> Counts:
    """How many experiments are in each state."""
    return Counts(states={state.value: n for state, n in service.queue.counts().items()})


@viewer.get("/experiments/{id}", responses=told(404))
def one(id: Id, service: Serves) -> ExperimentInFull:
    """An experiment as it stands."""
    return ExperimentInFull.of(service.queue.get(id))


@viewer.get("/experiments/{id}/events", responses=told(404))
def events(
    id: Id,
    service: Serves,
    after: Annotated[int, Query(ge=0, le=2**53)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 500,
) -> list[Happening]:
    """What happened to it after an event, in order. /stream tells it as it happens."""
    service.queue.get(id)
    return [Happening.of(event) for event in service.queue.events(id, after, limit)]


@viewer.get(
    "/experiments/{id}/log",
    response_class=Response,
    responses=told_beside("text/plain", 404),
)
def log(id: Id, service: Serves) -> PlainTextResponse:
    """What its driver's process wrote, for who looks for a fault."""
    return PlainTextResponse(service.results.log(service.queue.get(id)))


@viewer.get(
    "/experiments/{id}/report",
    response_class=Response,
    responses={
        **told_beside("text/html", 404),
        200: {"content": {kind: {"schema": {}} for kind in TYPES.values()}},
    },
)
def report(
    id: Id, service: Serves, form: Annotated[Form, Query(alias="format")] = "html"
) -> Response:
    """What it found so far, or found at its end."""
    text = report_of(service, id, form)
    if form == "html":
        return HTMLResponse(text, headers={"Content-Security-Policy": policy_of(text)})
    return Response(text, media_type=TYPES[form])


def report_of(service: Service, identity: str, form: Form) -> str:
    """The report of an experiment.

    Raises:
        NoSuchEntry: there is none of this id.
        Refused: it has found nothing yet.
    """
    entry = service.queue.get(identity)
    if entry.ledger_key is None:
        raise Refused(404, f"experiment {identity} has no report yet: it is {entry.state}")
    try:
        return service.results.report(entry, form)
    except UserError as error:
        raise Refused(404, str(error)) from error


@submitter.post("/experiments/{id}/cancel", responses=told(404, 409))
def cancel(id: Id, service: Serves, caller: Asks) -> Experiment:
    """Cancel it: everything that it started is stopped. What was recorded is kept."""
    return Experiment.of(stop(service, caller, id))


def stop(service: Service, caller: Caller, identity: str) -> Entry:
    """Cancel an experiment of the caller's.

    Raises:
        Refused: it is another's.
        IllegalMove: it has ended.
    """
    caller.require_own(service.queue.get(identity))
    entry = service.queue.cancel(identity, f"cancelled by {caller.user}")
    service.audit.add(caller.user, "cancel", identity)
    service.nudge()
    return entry


@submitter.post("/experiments/{id}/extend", responses=told(404, 409))
def extend(id: Id, given: GivenExtension, service: Serves, caller: Asks) -> Experiment:
    """Go on with one that is done and inconclusive."""
    caller.require_own(service.queue.get(id))
    entry = service.queue.extend(id, given.repetitions)
    service.audit.add(caller.user, "extend", id, given.model_dump())
    service.nudge()
    return Experiment.of(entry)


@submitter.put("/experiments/{id}/parallel", responses=told(404))
def set_parallel(id: Id, given: GivenParallel, service: Serves, caller: Asks) -> Experiment:
    """Limit how many of its trials run at once, now and from now on."""
    caller.require_own(service.queue.get(id))
    entry = service.queue.set_parallel(id, given.max_parallel)
    service.audit.add(caller.user, "set-parallel", id, given.model_dump())
    return Experiment.of(entry)


@submitter.delete("/experiments/{id}", status_code=204, responses=told(404, 409))
def delete(id: Id, service: Serves, caller: Asks) -> None:
    """Forget one that has ended, with its results and reports."""
    entry = service.queue.get(id)
    caller.require_own(entry)
    service.queue.delete(id)
    service.results.forget(entry)
    service.audit.add(caller.user, "delete", id, {"name": entry.name})
