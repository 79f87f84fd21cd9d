"""The application on top of a service that works."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from fastapi import FastAPI

from service.api.application import make
from service.api.context import Service
from service.api.limits import Allowance
from service.api.metrics import Metrics
from service.contracts.wire import Limits
from service.hosting.appearance import style
from service.hosting.serving import Parts

FRESH_SECONDS = 3.0
"""Anybody may ask whether the service is ready; what that takes is done no more often than this."""


def application(parts: Parts) -> FastAPI:
    """The application of a service's parts."""
    settings = parts.settings
    limits = Limits(
        upload_bytes=settings.max_upload_mb * 1_000_000,
        queued=settings.user_queued,
        per_minute=settings.rate_per_minute,
    )
    return make(
        Service(
            queue=parts.queue,
            tokens=parts.tokens,
            audit=parts.audit,
            files=parts.blobs,
            results=parts.results,
            checks=remembered(parts.checks, FRESH_SECONDS),
            nudge=parts.nudge,
            limits=limits,
            metrics=Metrics(parts.queue.counts),
            public=settings.public_url,
            insecure_local=settings.insecure_local,
            style=style(),
            allowance=Allowance(limits.per_minute),
        )
    )


def remembered(
    ask: Callable[[], dict[str, str]],
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> Callable[[], dict[str, str]]:
    """Asks at most once in so many seconds; who asks meanwhile gets the same answer."""
    lock = Lock()
    known: dict[str, str] = {}
    at = -seconds

    def answer() -> dict[str, str]:
        nonlocal known, at
        with lock:
            if clock() - at >= seconds:
                known = ask()
                at = clock()
            return known

    return answer
