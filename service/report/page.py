"""The report as one HTML page that opens anywhere and asks nothing of any network.

Plotly's program, the figures' data and the rows behind the numbers are in it, compressed; the page
unpacks them. A
content security policy forbids every request, and every script whose hash is not in it: text from a
pair or a config cannot become a program.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from functools import lru_cache
from importlib import resources
from importlib.metadata import version
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup, escape

from service.report.build import build
from service.report.course import course
from service.report.document import Beside, Code, Column, Figure, Strip, Table, Value
from service.report.drawing import svg
from service.report.gallery import Gallery
from service.report.numbers import amount, counted, heading, number, parts, show
from service.report.rows import compressed, for_a_page, pack
from service.report.view import ReportInput

SYMBOLS = {"good": "✓", "bad": "✕", "warning": "!", "neutral": "=", "open": "?"}


def render(report_input: ReportInput) -> str:
    """Make a self-contained page.

    Args:
        report_input: plan, results and facts.

    Returns:
        HTML of some megabytes, two of them Plotly's program.
    """
    report_input = for_a_page(report_input)
    document = build(report_input)
    leaves = [leaf for section in document.sections for leaf in section.leaves]
    figures = [leaf for leaf in leaves if isinstance(leaf, Figure)]
    plotly, program = _plotly() if figures else "", Markup(_read("page.js"))
    numbers = {id(leaf): place for place, leaf in enumerate(figures, 1)}
    tables = [leaf for leaf in leaves if isinstance(leaf, Table | Gallery)]
    numbers |= {id(leaf): place for place, leaf in enumerate(tables, 1)}
    rows = [leaf for leaf in leaves if isinstance(leaf, Beside)]
    numbers |= {id(leaf): place for place, leaf in enumerate(rows, 1)}
    numbers |= {id(found): place for place, (found, _, _) in enumerate(document.briefs, 1)}
    page = _environment().get_template("report.html.j2").render(
        document=document,
        single=len(document.briefs) == 1,
        style=Markup(_read("style.css")),
        program=program,
        plotly=_packed_plotly() if figures else "",
        rows=pack(report_input),
        n_rows=len(report_input.results),
        version=version("archduel"),
        policy=_policy([plotly, program]),
        numbers=numbers,
        plots=compressed(_json([figure.plot for figure in figures])),
    )  # fmt: skip
    return page.lstrip()


def _policy(scripts: list[str]) -> str:
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
        for script in scripts
    )
    return (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; "
        f"base-uri 'none'; form-action 'none'; script-src {hashes}"
    )


def _json(content: Any) -> str:
    return json.dumps(content, allow_nan=False, separators=(",", ":"))


@lru_cache(maxsize=1)
def _plotly() -> str:
    from plotly.offline import get_plotlyjs  # here because it reads five megabytes

    return str(get_plotlyjs())


@lru_cache(maxsize=1)
def _packed_plotly() -> str:
    return compressed(_plotly())


@lru_cache(maxsize=8)
def _read(name: str) -> str:
    return (resources.files("service.report") / "templates" / name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> Environment:
    made = Environment(
        loader=FunctionLoader(_read),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        id=id,
        amount=amount,
        plain_column=Column(""),
        counted=counted,
        heading=heading,
        number=number,
        parts=parts,
        show=show,
        symbols=SYMBOLS,
    )
    made.filters.update(
        kind=lambda leaf: type(leaf).__name__, strip_marks=_strip_marks, highlighted=_highlighted
    )
    made.filters["course"] = course
    made.globals["svg"] = lambda *drawn: Markup(svg(*drawn))
    made.tests["value"] = lambda cell: isinstance(cell, Value)
    return made


def _highlighted(code: Code) -> Markup:
    """Code as escaped text, its words in elements whose classes the style sheet colours."""
    if not code.language:
        return escape(code.text)
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    shown = highlight(code.text, get_lexer_by_name(code.language), HtmlFormatter(nowrap=True))
    return Markup(shown)


def _strip_marks(strip: Strip) -> Iterator[tuple[str, float, float]]:
    """The bars of a strip: class, left end and width in per cent."""
    bars = [
        ("band", (-strip.margin, strip.margin)),
        ("thin", strip.interval),
        ("thick", strip.inner),
    ]
    for name, ends in bars:
        if ends is not None:
            left, right = (100 * strip.place(end) for end in ends)
            yield name, round(left, 2), round(right - left, 2)
