"""Plotly figures as plain dictionaries; colours are names ("@reference") that the page resolves.

Every figure can be read without colour: the reference is solid with circles, the challenger
dashed with diamonds.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from service.evidence.records import Trace
from service.report.numbers import number
from service.report.view import PairView

STYLES = (
    {"color": "@reference", "soft": "@reference-soft", "symbol": "circle", "dash": "solid"},
    {"color": "@challenger", "soft": "@challenger-soft", "symbol": "diamond", "dash": "dash"},
)

_TIE = {"color": "@soft", "symbol": "circle", "dash": "dot"}


def escaped(text: str) -> str:
    """Text that Plotly prints as it is: it would read tags as formatting and links."""
    return html.escape(text, quote=False)


def layout(x: str, y: str = "", **changes: Any) -> dict[str, Any]:
    """A layout that all figures share, with axis titles that are escaped here."""
    axis = {
        "linecolor": "@rule",
        "tickcolor": "@rule",
        "gridcolor": "@grid",
        "zeroline": False,
        "fixedrange": True,
        "automargin": True,
        "ticks": "outside",
        "ticklen": 4,
        "tickfont": {"color": "@soft"},
    }
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "@font", "size": 13, "color": "@ink"},
        "margin": {"l": 8, "r": 12, "t": 34, "b": 8},
        "xaxis": {
            **axis,
            "title": {"text": escaped(x), "standoff": 8, "font": {"size": 13}},
            "showgrid": False,
            "showline": True,
        },
        "yaxis": {
            **axis,
            "title": {"text": escaped(y), "standoff": 6, "font": {"size": 13}},
            "ticks": "",
        },
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "itemclick": False,
                   "itemdoubleclick": False},
        "hoverlabel": {"bgcolor": "@paper", "bordercolor": "@rule", "font": {"color": "@ink"}},
        "dragmode": False,
        "showlegend": True,
        **changes,
    }  # fmt: skip


def _clipped(text: str, width: int = 46) -> str:
    return "<br>".join(textwrap.wrap(escaped(text), width) or [""])


def forest(pairs: Sequence[PairView]) -> tuple[dict[str, Any], int]:
    """Effects of all pairs against their margins; with several, in units of the margin.

    Args:
        pairs: those with a mean difference.

    Returns:
        The figure and its height in pixels.
    """
    alone = len(pairs) == 1
    data: list[dict[str, Any]] = []
    shapes: list[dict[str, Any]] = []
    notes: list[dict[str, Any]] = []
    shown: list[float] = []
    for row, view in enumerate(pairs):
        words, verdict = view.words, view.verdict
        unit = words.scale if alone else 1 / (view.plan.margin or 1.0)
        mean = verdict.mean_difference or 0.0
        half = 0.0 if verdict.interval is None else verdict.interval[1] - verdict.interval[0]
        band = view.plan.margin * unit
        shown += [-1.15 * band, 1.15 * band, *(end * unit for end in verdict.interval or ())]
        shown += [d * unit for d in view.judgement.tally.differences]
        shapes.append({
            "type": "rect", "layer": "below", "line": {"width": 0}, "fillcolor": "@band",
            "x0": -band, "x1": band, "y0": -row - 0.34, "y1": -row + 0.22,
        })  # fmt: skip
        repetitions = [r for r in view.judgement.tally.repetitions if r.difference is not None]
        data.append({
            "type": "scatter", "mode": "markers", "showlegend": row == 0,
            "name": "one repetition", "legendgroup": "one",
            "x": [(r.difference or 0.0) * unit for r in repetitions],
            "y": [-row - 0.19 - 0.05 * (i % 3 - 1) for i in range(len(repetitions))],
            "marker": {"color": "@soft", "size": 6, "opacity": 0.55, "symbol": "circle-open"},
            "text": [
                f"repetition {r.index}: {number((r.difference or 0.0) * words.scale, 2, signed=True)} "
                f"{escaped(words.difference_unit)}"
                for r in repetitions
            ],
            "hovertemplate": "%{text}<extra></extra>",
        })  # fmt: skip
        for interval, width, name in (
            (verdict.interval, 2, f"{view.confidence} interval"),
            (verdict.tost_interval, 6, "equivalence interval"),
        ):
            if interval is not None:
                data.append({
                    "type": "scatter", "mode": "lines", "hoverinfo": "skip", "name": name,
                    "legendgroup": name, "showlegend": row == 0,
                    "x": [end * unit for end in interval], "y": [-row, -row],
                    "line": {"color": "@ink", "width": width},
                })  # fmt: skip
        digits = 2 if half == 0 else None
        told = number(mean * words.scale, digits, signed=True)
        data.append({
            "type": "scatter", "mode": "markers", "name": "mean difference", "legendgroup": "mean",
            "showlegend": row == 0, "x": [mean * unit], "y": [-row],
            "marker": {"color": "@paper", "size": 13, "symbol": "diamond",
                       "line": {"color": "@ink", "width": 2.5}},
            "text": [f"{told} {escaped(words.difference_unit)}, {verdict.n_ok}/{verdict.n_planned}"],
            "hovertemplate": "%{text}<extra></extra>",
        })  # fmt: skip
        if not alone:
            notes.append({
                "xref": "paper", "x": 0, "xanchor": "left", "y": -row + 0.24, "yanchor": "bottom",
                "text": f"<b>{_clipped(view.plan.title, 52)}</b>", "showarrow": False,
                "align": "left", "font": {"size": 13},
            })  # fmt: skip
    first = pairs[0]
    names = {view.plan.variants for view in pairs}
    ends = f"← {first.plan.variants[0]} better · {first.plan.variants[1]} better →"
    if len(names) > 1:
        ends = "← reference better · challenger better →"
    unit_name = (
        f"{first.plan.metric.name}, {first.words.difference_unit}" if alone else "in margins"
    )
    shapes.append({
        "type": "line", "x0": 0, "x1": 0, "y0": -len(pairs) + 0.5, "y1": 0.45,
        "layer": "below", "line": {"color": "@soft", "width": 1.5},
    })  # fmt: skip
    figure = layout("", shapes=shapes, annotations=notes)
    pad = 0.03 * (max(shown) - min(shown))
    figure["xaxis"]["range"] = [min(shown) - pad, max(shown) + pad]
    figure["xaxis"]["title"]["text"] = f"{escaped(ends)}<br>difference ({escaped(unit_name)})"
    figure["yaxis"].update({"visible": False, "range": [-len(pairs) + 0.4, 0.48 if alone else 0.8]})
    return {"data": data, "layout": figure}, 210 if alone else 130 + 104 * len(pairs)


def slopes(view: PairView) -> dict[str, Any]:
    """Each repetition's two mean test scores, joined; and their means."""
    words = view.words
    tally = view.judgement.tally
    names = [escaped(name) for name in view.plan.variants]
    data: list[dict[str, Any]] = []
    sides = [(STYLES[place], f"{name} ahead", (-1, 1)[place]) for place, name in enumerate(names)]
    for style, name, sign in (*sides, (_TIE, "equal", 0)):
        x: list[Any] = []
        y: list[float | None] = []
        texts: list[str] = []
        for r in tally.repetitions:
            if r.difference is None or r.reference.mean is None or r.challenger.mean is None:
                continue
            if (r.difference > 0) - (r.difference < 0) != sign:
                continue
            x += [0, 1, None]
            y += [r.reference.mean * words.scale, r.challenger.mean * words.scale, None]
            texts += [f"repetition {r.index}"] * 3
        if not x and not sign:
            continue
        data.append({
            "type": "scatter", "mode": "lines+markers", "name": name,
            "x": x, "y": y, "text": texts, "opacity": 0.8,
            "line": {"color": style["color"], "width": 1.3, "dash": style["dash"]},
            "marker": {"color": style["color"], "size": 5, "symbol": style["symbol"]},
            "hovertemplate": "%{text}: %{y:.4g}<extra></extra>",
        })  # fmt: skip
    ok = [r for r in tally.repetitions if r.difference is not None]
    if ok:
        means = [
            sum((getattr(r, side).mean or 0.0) for r in ok) / len(ok) * words.scale
            for side in ("reference", "challenger")
        ]
        data.append({
            "type": "scatter", "mode": "lines+markers", "name": "mean", "x": [0, 1], "y": means,
            "line": {"color": "@ink", "width": 3.5},
            "marker": {"color": "@ink", "size": 10, "symbol": ["circle", "diamond"]},
            "hovertemplate": "mean: %{y:.4g}<extra></extra>",
        })  # fmt: skip
    figure = layout("", f"test {view.plan.metric.name} ({words.score_unit})")
    figure["xaxis"].update({"tickvals": [0, 1], "ticktext": names, "range": [-0.25, 1.25]})
    figure["xaxis"]["tickfont"] = {"color": "@ink"}
    return {"data": data, "layout": figure}


@dataclass(frozen=True)
class Points:
    """One variant's points of a scatter plot: x and y of each, and what it is."""

    variant: str
    places: tuple[tuple[float, float], ...]
    texts: tuple[str, ...]


def scatter(
    points: Sequence[Points], front: Sequence[tuple[float, float]], x: str, y: str
) -> dict[str, Any]:
    """Points of the two variants, and the line of those that nothing beats.

    Args:
        points: the reference's and the challenger's.
        front: the places on the line, from left to right.
        x, y: titles of the axes; x is logarithmic.

    Returns:
        The figure.
    """
    data: list[dict[str, Any]] = [{
        "type": "scatter", "mode": "lines+markers", "name": "Pareto front", "hoverinfo": "skip",
        "marker": {"color": "@ink", "size": 14, "symbol": "circle-open"},
        "x": [place[0] for place in front], "y": [place[1] for place in front],
        "line": {"color": "@ink", "width": 1.5, "shape": "hv"},
    }]  # fmt: skip
    for style, one in zip(STYLES, points, strict=True):
        data.append({
            "type": "scatter", "mode": "markers", "name": escaped(one.variant),
            "x": [place[0] for place in one.places], "y": [place[1] for place in one.places],
            "text": list(one.texts),
            "marker": {"color": style["color"], "size": 8, "symbol": style["symbol"],
                       "opacity": 0.8},
            "hovertemplate": "%{text}: %{y:.4g} after %{x:.3g} s<extra>%{fullData.name}</extra>",
        })  # fmt: skip
    figure = layout(x, y)
    figure["xaxis"].update({"type": "log", "dtick": "D2"})
    figure["xaxis"]["showgrid"] = True
    return {"data": data, "layout": figure}


def lines(traces: Sequence[Trace], x: str, y: str, scale: float) -> dict[str, Any]:
    """Mean lines of the two variants, each with a band of one standard deviation.

    Args:
        traces: the reference's and the challenger's.
        x, y: titles of the axes.
        scale: what values are multiplied with.

    Returns:
        The figure.
    """
    data: list[dict[str, Any]] = []
    for style, line in zip(STYLES, traces, strict=True):
        known = [i for i, sd in enumerate(line.sd) if sd is not None]
        high = [(line.mean[i] + (line.sd[i] or 0.0)) * scale for i in known]
        low = [(line.mean[i] - (line.sd[i] or 0.0)) * scale for i in known]
        xs = [line.x[i] for i in known]
        if known:
            data.append({
                "type": "scatter", "mode": "lines", "fill": "toself", "hoverinfo": "skip",
                "x": xs + xs[::-1], "y": high + low[::-1], "fillcolor": style["soft"],
                "line": {"width": 0}, "showlegend": False,
            })  # fmt: skip
    for style, line in zip(STYLES, traces, strict=True):
        every = max(1, len(line.x) // 8)
        size = [7 if i % every == 0 or i == len(line.x) - 1 else 0 for i in range(len(line.x))]
        data.append({
            "type": "scatter", "mode": "lines+markers", "name": escaped(line.variant),
            "x": list(line.x), "y": [value * scale for value in line.mean],
            "line": {"color": style["color"], "width": 2.2, "dash": style["dash"]},
            "marker": {"color": style["color"], "symbol": style["symbol"], "size": size},
            "text": [f"{n}/{line.n_planned}" for n in line.n_ok],
            "hovertemplate": "%{y:.4g} (%{text})<extra>%{fullData.name}</extra>",
        })  # fmt: skip
    figure = layout(x, y, hovermode="x")
    figure["xaxis"]["rangemode"] = "tozero"
    return {"data": data, "layout": figure}
