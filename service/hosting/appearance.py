"""What pages share with reports."""

from __future__ import annotations

from importlib import resources


def style() -> str:
    """The reports' style sheet."""
    file = resources.files("service.report") / "templates" / "style.css"
    return file.read_text(encoding="utf-8")
