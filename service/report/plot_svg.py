"""A figure as an SVG file of its own: titled, in light colours, readable without colour.

It draws what `service.report.plots` makes: scatter traces, rectangles, lines and notes. A library
that draws Plotly's figures needs a browser, and one that draws its own takes longer to import than
all of a run's figures take here.
"""

from __future__ import annotations

import math
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from html import escape, unescape
from importlib import resources
from typing import Any

from service.report.axis import Axis, span
from service.report.document import Figure

WIDTH, WIDE = 640.0, 960.0
_EDGE, _LINE, _CHARACTER = 16.0, 18.0, 6.9
"""Pixels: the margin, a line of text, and a character's width, a little generous."""
_DASHES = {"dash": "8 5", "dot": "2 4"}
_KEY = 34.0  # pixels: a legend's sample with its gap


def drawable(figure: Figure) -> bool:
    """Whether this module draws all of a figure: sections may use any of Plotly's traces."""
    return all(trace.get("type") == "scatter" for trace in figure.plot["data"])


def file(figure: Figure) -> str:
    """Draw a figure.

    Args:
        figure: of scatter traces, see `drawable`.

    Returns:
        An SVG document that asks for nothing outside of itself.
    """
    width = WIDE if figure.wide else WIDTH
    title = textwrap.wrap(figure.title, int((width - 2 * _EDGE) / (_CHARACTER * 1.15)))
    legend, top = _legend(figure.plot["data"], width, _EDGE + _LINE * len(title) + 10)
    bottom = top + figure.height
    note = textwrap.wrap(figure.note, int((width - 2 * _EDGE) / (_CHARACTER * 0.95)))
    height = bottom + _LINE * len(note) + 2 * _EDGE
    parts = [*_title(title), *legend, *_plot(figure.plot, width, top, bottom)]
    parts += [
        _text(_EDGE, bottom + _LINE * (row + 1), line, f'font-size="12" fill="{_colour("@soft")}"')
        for row, line in enumerate(note)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(figure.alt)}" '
        f'width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="{_colour("@font")}" '
        f'font-size="13" fill="{_colour("@ink")}"><title>{escape(figure.title)}</title>'
        f"<desc>{escape(figure.alt)}</desc>"
        f'<rect width="100%" height="100%" fill="{_colour("@paper")}"/>{"".join(parts)}</svg>\n'
    )


@lru_cache(maxsize=1)
def _palette() -> Mapping[str, str]:
    """The style sheet's light colours and fonts, by name."""
    style = (resources.files("service.report") / "templates/style.css").read_text("utf-8")
    return dict(re.findall(r"--([\w-]+): ([^;]+);", style[: style.index("}")]))


def _colour(name: str) -> str:
    """A colour's value, as an attribute; "@reference" is one of the style sheet's names."""
    return escape(_palette()[name[1:]] if name.startswith("@") else name)


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}"{more and " " + more}>{escape(text, quote=False)}</text>'


def _lines(text: str) -> list[str]:
    """Plotly's text, which may have tags, as lines of plain text."""
    return [unescape(re.sub(r"<[^>]*>", "", line)) for line in text.split("<br>") if line]


def _title(lines: Sequence[str]) -> Iterator[str]:
    for row, line in enumerate(lines):
        yield _text(_EDGE, _EDGE + _LINE * row + 12, line, 'font-weight="600" font-size="15"')


def _legend(data: Sequence[Mapping[str, Any]], width: float, top: float) -> tuple[list[str], float]:
    """Names of the traces, wrapped; and where the legend ends, in pixels."""
    parts, x = [], _EDGE
    for trace in data:
        if not trace.get("showlegend", True):
            continue
        (name,) = _lines(trace["name"])
        needed = _KEY + _CHARACTER * len(name) + 14
        if x > _EDGE and x + needed > width - _EDGE:
            x, top = _EDGE, top + _LINE
        middle = top + _LINE / 2
        if "lines" in trace["mode"]:
            parts.append(_path(f"M{x:.1f} {middle:.1f}h28", trace["line"]))
        if "markers" in trace["mode"]:
            shown = {**trace["marker"], "size": min(11, _largest(trace["marker"]["size"]))}
            parts.append(_marker(x + 14, middle, shown, 0))
        parts.append(_text(x + _KEY, middle + 4.5, name))
        x += needed
    return parts, top + _LINE + 8


def _largest(size: float | Sequence[float]) -> float:
    return size if isinstance(size, int | float) else max(size)


def _plot(plot: Mapping[str, Any], width: float, top: float, bottom: float) -> Iterator[str]:
    layout, data = plot["layout"], plot["data"]
    x_title = _lines(layout["xaxis"]["title"]["text"])
    low = bottom - _LINE * (len(x_title) + 1) - 8
    y_axis = _axis("y", layout["yaxis"], data, low, top)
    y_ticks = y_axis.ticks(44) if layout["yaxis"].get("visible", True) else []
    y_title = _lines(layout["yaxis"]["title"]["text"])
    widest = max((len(text) for _, text in y_ticks), default=0)
    left = _EDGE + _LINE * len(y_title) + _CHARACTER * widest + (10 if y_ticks else 0)
    right = width - _EDGE
    x_axis = _axis("x", layout["xaxis"], data, left, right)
    rule, grid, soft = _colour("@rule"), _colour("@grid"), _colour("@soft")
    for value, text in y_ticks:
        y = y_axis.place(value)
        yield f'<path d="M{left:.1f} {y:.1f}H{right:.1f}" stroke="{grid}"/>'
        yield _text(left - 7, y + 4.5, text, f'text-anchor="end" fill="{soft}"')
    for shape in layout.get("shapes", ()):
        yield _shape(shape, x_axis, y_axis)
    yield f'<path d="M{left:.1f} {low:.1f}H{right:.1f}" stroke="{rule}"/>'
    for value, text in _named_ticks(layout["xaxis"]) or x_axis.ticks(64):
        x = x_axis.place(value)
        yield f'<path d="M{x:.1f} {low:.1f}v4" stroke="{rule}"/>'
        yield _text(x, low + _LINE, text, f'text-anchor="middle" fill="{soft}"')
    for row, line in enumerate(x_title):
        yield _text((left + right) / 2, low + _LINE * (row + 2) + 4, line, 'text-anchor="middle"')
    for row, line in enumerate(y_title):
        x, y = _EDGE + 10 + _LINE * row, (top + low) / 2
        yield _text(x, y, line, f'text-anchor="middle" transform="rotate(-90 {x:.1f} {y:.1f})"')
    for trace in data:
        yield from _trace(trace, x_axis, y_axis)
    for note in layout.get("annotations", ()):
        lines = _lines(note["text"])
        for row, line in enumerate(lines):
            y = y_axis.place(note["y"]) - _LINE * (len(lines) - 1 - row) - 4
            yield _text(left, y, line, 'font-weight="600"')


def _axis(
    name: str, told: Mapping[str, Any], data: Sequence[Mapping[str, Any]], start: float, end: float
) -> Axis:
    log = told.get("type") == "log"
    if "range" in told:
        low, high = told["range"]
    else:
        values = [value for trace in data for value in trace[name] if value is not None]
        low, high = span(values, log=log, from_zero=told.get("rangemode") == "tozero")
    return Axis(low, high, start, end, log)


def _named_ticks(told: Mapping[str, Any]) -> list[tuple[float, str]]:
    values, texts = told.get("tickvals", ()), told.get("ticktext", ())
    return [(value, " ".join(_lines(text))) for value, text in zip(values, texts, strict=True)]


def _shape(shape: Mapping[str, Any], x_axis: Axis, y_axis: Axis) -> str:
    (x0, x1), (y0, y1) = (
        [axis.place(shape[f"{name}{end}"]) for end in (0, 1)]
        for name, axis in (("x", x_axis), ("y", y_axis))
    )
    if shape["type"] == "line":
        return _path(f"M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}", shape["line"])
    return (
        f'<rect x="{min(x0, x1):.1f}" y="{min(y0, y1):.1f}" width="{abs(x1 - x0):.1f}" '
        f'height="{abs(y1 - y0):.1f}" fill="{_colour(shape["fillcolor"])}"/>'
    )


def _trace(trace: Mapping[str, Any], x_axis: Axis, y_axis: Axis) -> Iterator[str]:
    places = [
        None if x is None or y is None else (x_axis.place(x), y_axis.place(y))
        for x, y in zip(trace["x"], trace["y"], strict=True)
    ]
    yield f'<g opacity="{trace.get("opacity", 1):g}">'
    if "lines" in trace["mode"] and any(places):
        steps = trace["line"].get("shape") == "hv"
        yield _path(_course(places, steps=steps), trace["line"], trace.get("fillcolor"))
    if "markers" in trace["mode"]:
        for index, place in enumerate(places):
            if place is not None:
                yield _marker(*place, trace["marker"], index)
    yield "</g>"


def _course(places: Sequence[tuple[float, float] | None], *, steps: bool) -> str:
    """Lines through the places, broken where there is none."""
    path, pen = "", "M"
    for place in places:
        if place is None:
            pen = "M"
            continue
        x, y = place
        path += f"H{x:.1f}V{y:.1f}" if steps and pen == "L" else f"{pen}{x:.1f} {y:.1f}"
        pen = "L"
    return path


def _path(course: str, line: Mapping[str, Any], fill: str | None = None) -> str:
    dash = _DASHES.get(line.get("dash", ""))
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    stroke = f' stroke="{_colour(line["color"])}"' if line["width"] else ""
    return (
        f'<path d="{course}" fill="{_colour(fill) if fill else "none"}"{stroke} '
        f'stroke-width="{line["width"]:g}"{dashed}/>'
    )


def _marker(x: float, y: float, marker: Mapping[str, Any], index: int) -> str:
    """One point; sizes and symbols are the trace's, or one each."""
    size, symbol = (
        value[index] if isinstance(value, list | tuple) else value
        for value in (marker["size"], marker["symbol"])
    )
    if not size:
        return ""
    colour, line = marker["color"], marker.get("line", {"color": "none", "width": 0})
    if symbol.endswith("-open"):
        line = {"color": colour, "width": 1.2}
        colour = "none"
    look = (
        f'fill="{_colour(colour)}" stroke="{_colour(line["color"])}" '
        f'stroke-width="{line["width"]:g}" opacity="{marker.get("opacity", 1):g}"'
    )
    half = size / 2
    if symbol.startswith("circle"):
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{half:g}" {look}/>'
    half *= math.sqrt(2)
    return (
        f'<path d="M{x:.1f} {y - half:.1f}l{half:.1f} {half:.1f}l{-half:.1f} {half:.1f}'
        f'l{-half:.1f} {-half:.1f}z" {look}/>'
    )
