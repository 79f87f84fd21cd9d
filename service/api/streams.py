"""What happens to an experiment, as it happens: server-sent events that go on after a break.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Annotated

import anyio
from anyio.to_thread import run_sync
from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from service.api.context import Asks, Caller, Id, Serves, Service
from service.api.identity import BEARER, needs
from service.api.problems import Refused, told_beside
from service.contracts.entry import ENDED, Event, NoSuchEntry, Role
from service.contracts.errors import ArchduelError
from service.contracts.wire import Happening

router = APIRouter(
    prefix="/v1", tags=["experiments"], route_class=needs(Role.VIEWER), dependencies=[BEARER]
)

PAUSE = 0.5
"""Seconds between two looks at the queue."""

BEAT = 15.0
"""After so many silent seconds a comment tells everybody on the way that the stream lives."""

LONGEST = 3600.0
"""After so many seconds a stream ends without its end event; the client asks again, and its token is
looked at again."""

_AT_ONCE = 200

EVENT = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
    "required": ["event", "data"],
}
"""One event of a stream, for OpenAPI."""

After = Annotated[int, Query(ge=0, le=2**53, description="The last event that is known already.")]
LastEventId = Annotated[
    str | None, Header(pattern=r"^[0-9]{1,16}$", description="As browsers send it; beats `after`.")
]


@router.get(
    "/experiments/{id}/stream",
    response_class=Response,
    responses=told_beside("text/event-stream", 404, schema=EVENT),
)
def stream(
    id: Id,
    service: Serves,
    caller: Asks,
    after: After = 0,
    last_event_id: LastEventId = None,
) -> StreamingResponse:
    """What happened, and what happens from now on, as server-sent events, until it has ended.

    Each event has the id, the kind and, as data, the JSON of one of /events. `end` is the last one: the
    experiment has ended, and its data is the state."""
    return follow(service, caller, id, int(last_event_id or after))


def follow(service: Service, caller: Caller, identity: str, after: int) -> StreamingResponse:
    """A response that lasts until an experiment has ended.

    Raises:
        Refused: too many streams are open.
        NoSuchEntry: there is no such experiment.
    """
    service.queue.get(identity)
    if not service.streams.enter(caller.user):
        raise Refused(429, "too many streams are open; close one", headers={"Retry-After": "10"})
    return _Stream(service, caller.user, _told(service, identity, after))


class _Stream(StreamingResponse):
    """Gives its place back however it ends, also where nobody heard its first word."""

    def __init__(self, service: Service, user: str, lines: AsyncIterator[str]) -> None:
        # nginx would wait for more without the header.
        headers = {"X-Accel-Buffering": "no"}
        super().__init__(lines, media_type="text/event-stream", headers=headers)
        self._service, self._user = service, user

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        try:
            with self._service.metrics.streams.track_inprogress():
                await super().__call__(scope, receive, send)
        finally:
            self._service.streams.leave(self._user)


async def _told(service: Service, identity: str, after: int) -> AsyncIterator[str]:
    began = spoke = time.monotonic()
    yield "retry: 1000\n\n"
    while time.monotonic() - began < LONGEST:
        try:
            # The state comes first: what is written between the two looks is told before the end.
            entry = await run_sync(service.queue.get, identity)
            events = await run_sync(service.queue.events, identity, after, _AT_ONCE)
        except NoSuchEntry:
            yield _message("end", {"state": "deleted"})
            return
        except ArchduelError:  # The database is away; the stream waits for it.
            events, entry = [], None
        for event in events:
            yield _event(event)
            after, spoke = event.id, time.monotonic()
        if entry is not None and not events and entry.state in ENDED:
            yield _message("end", {"state": entry.state})
            return
        if time.monotonic() - spoke > BEAT:
            yield ": still here\n\n"
            spoke = time.monotonic()
        if len(events) < _AT_ONCE:
            await anyio.sleep(PAUSE)


def _event(event: Event) -> str:
    return f"id: {event.id}\n{_message(event.kind, Happening.of(event).model_dump())}"


def _message(kind: str, data: object) -> str:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n"
