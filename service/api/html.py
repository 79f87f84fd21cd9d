"""Pages from templates, and the files they need."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib import resources
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FunctionLoader, StrictUndefined

from service.api.context import Caller, Serves, Service

assets = APIRouter(include_in_schema=False)

TOLD = {
    "queued": ("open", "…", "waiting"),
    "starting": ("neutral", "▸", "starting"),
    "running": ("neutral", "▸", "running"),
    "cancelling": ("warning", "!", "being cancelled"),
    "done": ("good", "✓", "done"),
    "failed": ("bad", "✕", "failed"),
    "cancelled": ("open", "∅", "cancelled"),
}
"""By state: its tone, its symbol and its word."""


def page(
    template: str, service: Service, caller: Caller | None, status: int = 200, **values: Any
) -> HTMLResponse:
    """A page.

    Args:
        template: its file.
        service: what is served.
        caller: who looks at it; None where that is not known.
        status: of HTTP.
        values: for the template.
    """
    text = _environment().get_template(template).render(
        caller=caller, open=service.insecure_local, version=version("archduel"),
        assets=_fingerprint(service.style), **values,
    )  # fmt: skip
    return HTMLResponse(text, status)


@assets.get("/static/style.css")
def style(service: Serves) -> Response:
    """The reports' style sheet, and what the pages have beyond it."""
    return _asset(f"{service.style}\n{_read('static/pages.css')}", "text/css")


@assets.get("/static/live.js")
def live() -> Response:
    """The script that keeps pages fresh."""
    return _asset(_read("static/live.js"), "text/javascript")


def _asset(text: str, kind: str) -> Response:
    return Response(text, media_type=kind, headers={"Cache-Control": "public, max-age=86400"})


def _span(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60:,} h {minutes % 60} min"


@lru_cache(maxsize=2)
def _fingerprint(style: str) -> str:
    text = style + _read("static/pages.css") + _read("static/live.js")
    return hashlib.sha256(text.encode()).hexdigest()[:12]


@lru_cache(maxsize=16)
def _read(name: str) -> str:
    return (resources.files("service.api") / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=FunctionLoader(lambda name: _read(f"templates/{name}")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(span=_span, told=TOLD)
    return made
