"""What stands around every request: its size, its headers, its count, and one line in the log."""

from __future__ import annotations

import logging
import time
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.metrics import Metrics
from service.api.problems import answer

log = logging.getLogger("archduel.access")

MAX_BODY = 512 * 1024
"""Bytes of a request, but for uploads: more than a config with a thousand files takes."""

UPLOADS = "/v1/blobs/"

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The content security policy: nothing inline, nothing from elsewhere, in nobody's frame."""

HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


UNANSWERED = 0
FAULT = "the service failed to answer; its log says why"
METHODS = SAFE | {"POST", "PUT", "PATCH", "DELETE"}


class Guard:
    """Wraps an application.

    Args:
        app: the application.
        metrics: counts the requests.
        most_upload: bytes of one uploaded file.
        hosts: the names by which the service may be called, without a port; None for any.
        public: the address under which people reach it, beside the one that it sees.
    """

    def __init__(
        self,
        app: ASGIApp,
        metrics: Metrics,
        most_upload: int,
        hosts: frozenset[str] | None,
        public: str | None,
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._most_upload = most_upload
        self._hosts = hosts
        parts = urlsplit(public or "")
        self._origin = f"{parts.scheme}://{parts.netloc}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, seen = time.perf_counter(), {"status": UNANSWERED}
        most = self._most_upload if scope["path"].startswith(UPLOADS) else MAX_BODY

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            refusal = self._refusal(scope, most)
            if refusal is None:
                await self._app(scope, _bounded(receive, most), sending)
            else:
                await answer(*refusal)(scope, receive, sending)
        except Exception:  # Nothing of the service's inside is told but to its log.
            log.exception("%s %s failed", scope["method"], _route(scope))
            if seen["status"] == UNANSWERED:
                await answer(500, FAULT)(scope, receive, sending)
        finally:
            self._note(scope, seen["status"], time.perf_counter() - began)

    def _refusal(self, scope: Scope, most: int) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._hosts is not None and _hostname(host) not in self._hosts:
            # Without tokens the name is all that tells this machine's user from a web page whose
            # name was made to lead here.
            return 403, "--insecure-local answers to the name localhost only"
        origin = headers.get("origin")
        if scope["method"] not in SAFE and origin is not None:
            mine = {f"http://{host}", f"https://{host}", self._origin}
            if origin not in mine:
                return 403, "a page of another origin may change nothing here"
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            return 400, "Content-Length must be a number"
        return (413, _too_large(most)) if int(length[:20]) > most else None

    def _note(self, scope: MutableMapping[str, Any], status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._metrics.request(method, _route(scope), status, seconds)
        caller = scope.get("state", {}).get("caller")
        user = getattr(caller, "user", "-")
        log.info('%s "%s %s" %d %.0f ms', user, method, _path(scope), status, 1000 * seconds)


def _route(scope: MutableMapping[str, Any]) -> str:
    """The route's template; "none" where there is no such route."""
    return str(getattr(scope.get("route"), "path", "none"))


def _path(scope: MutableMapping[str, Any]) -> str:
    """The path without its query, in one line and not too long."""
    return repr(scope["path"])[1:-1][:200]


def _bounded(receive: Receive, most: int) -> Receive:
    """A body that is refused once it is longer than it may, whatever its Content-Length said."""
    got = 0

    async def bounded() -> Message:
        nonlocal got
        message = await receive()
        got += len(message.get("body", b""))
        if got > most:
            raise HTTPException(413, _too_large(most))
        return message

    return bounded


def _hostname(host: str) -> str:
    """Of "name:port" or "[::1]:port", without brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _too_large(most: int) -> str:
    return f"a request must have at most {most:,} bytes"
