"""A model's graph as SVG whose colours are the page's: it follows light, dark and paper."""

from __future__ import annotations

from html import escape

from service.contracts.structure import Structure
from service.evidence.wiring import wiring
from service.report.arrange import Arrangement, Edge, arrange
from service.report.layers import Box, Boxes, boxes
from service.report.numbers import TIMES

LINE, PAD, TITLE = 19.0, 6.0, 17.0
_CHARACTER, _BOLD = 6.2, 7.3
"""Widths of a character of the drawing's text, in pixels; a little generous."""
_MARGIN = 14.0


def told(structure: Structure, variant: str) -> str:
    """A drawing in words."""
    found = wiring(structure)
    shape = "a chain" if found.is_chain else f"a graph with {', '.join(found.obstacles)}"
    return f"{variant}: {found.calls} layer calls, {shape}"


def svg(structure: Structure, name: str, label: str) -> str:
    """Draw a model.

    Args:
        structure: its graph.
        name: a word that no other drawing of the page has.
        label: the drawing in words.

    Returns:
        An SVG element.
    """
    shown = boxes(structure)
    sizes = [(_width(box), _height(box)) for box in shown.boxes]
    where = arrange(sizes, [box.reads for box in shown.boxes])
    parts = [_group(shown, fold_index, where, sizes) for fold_index in range(len(shown.folds))]
    parts += [_edge(edge, name) for edge in where.edges]
    for box, (width, height), (left, top) in zip(shown.boxes, sizes, where.places, strict=True):
        parts.append(_drawn(box, left, top, width, height))
    right = (
        where.width + 2 * _MARGIN + (34 if shown.folds or any(b.folds for b in shown.boxes) else 0)
    )
    full = where.height + 2 * _MARGIN
    return (
        f'<svg class="net" role="img" aria-label="{escape(label)}" width="{right:.0f}" '
        f'height="{full:.0f}" viewBox="{-_MARGIN:.0f} {-_MARGIN:.0f} {right:.0f} {full:.0f}">'
        f'<defs><marker id="{name}-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 .8 7.4 4 0 7.2z"/></marker>'
        f'<marker id="{name}-past" class="past" viewBox="0 0 8 8" refX="7" refY="4" '
        f'markerWidth="7" markerHeight="7" orient="auto"><path d="M0 .8 7.4 4 0 7.2z"/></marker>'
        f"</defs>{''.join(parts)}</svg>"
    )


def _columns(box: Box) -> tuple[float, float, float]:
    """The widths of a box's three columns: kind and settings, shape, weights."""
    return (
        max(_BOLD * len(line.kind) + _CHARACTER * (1 + len(line.told)) for line in box.lines),
        max(_CHARACTER * len(line.shape) for line in box.lines),
        max(_CHARACTER * len(line.weights) for line in box.lines),
    )


def _width(box: Box) -> float:
    if box.source:
        return _BOLD * len(box.source) + _CHARACTER * (len(box.lines[0].shape) + 1) + 24
    left, shape, weights = _columns(box)
    output = (
        max(_BOLD * (len(line.output) + 8) for line in box.lines if line.output)
        if any(line.output for line in box.lines)
        else 0.0
    )
    inner = max(
        left + 12 + shape + (12 + weights if weights else 0), output, _CHARACTER * len(box.title)
    )
    return inner + 2 * PAD + 4


def _height(box: Box) -> float:
    outputs = sum(bool(line.output) for line in box.lines)
    return (
        LINE * (len(box.lines) + outputs) + (0 if box.source else PAD) + (TITLE if box.title else 0)
    )


def _drawn(box: Box, left: float, top: float, width: float, height: float) -> str:
    middle = left + width / 2
    if box.source:
        line = box.lines[0]
        return (
            f'<g class="input"><rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
            f'height="{height:.1f}" rx="{height / 2:.1f}"/><text x="{middle:.1f}" '
            f'y="{top + 13.5:.1f}" text-anchor="middle"><tspan class="kind">{escape(box.source)}'
            f'</tspan> <tspan class="soft">{escape(line.shape)}</tspan></text></g>'
        )
    kind = "layers shared" if box.shared else "layers"
    found = [
        f'<g class="{kind}"><rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}" rx="4"/>'
    ]
    y = top + PAD / 2
    if box.title:
        found.append(
            f'<text class="title" x="{left + PAD + 2:.1f}" y="{y + 12:.1f}">{escape(box.title)}</text>'
        )
        y += TITLE
    spots = []
    _, _, weights = _columns(box)
    column = left + width - PAD - 2 - (weights + 12 if weights else 0)
    for line in box.lines:
        spots.append(y)
        rest = f' <tspan class="soft">{escape(line.told)}</tspan>' if line.told else ""
        found.append(
            f'<text x="{left + PAD + 2:.1f}" y="{y + 13.5:.1f}"><tspan class="kind">'
            f"{escape(line.kind)}</tspan>{rest}</text>"
            f'<text class="soft" x="{column:.1f}" y="{y + 13.5:.1f}" text-anchor="end">'
            f"{escape(line.shape)}</text>"
        )
        if line.weights:
            found.append(
                f'<text class="weights" x="{left + width - PAD - 2:.1f}" y="{y + 13.5:.1f}" '
                f'text-anchor="end">{escape(line.weights)}</text>'
            )
        y += LINE
        if line.output:
            found.append(
                f'<text class="out" x="{middle:.1f}" y="{y + 13:.1f}" text-anchor="middle">'
                f"output: {escape(line.output)}</text>"
            )
            y += LINE
    spots.append(y)
    for fold in box.folds:
        first, last = (
            spots[fold.start] + 2,
            spots[min(fold.start + fold.length, len(spots) - 1)] - 2,
        )
        edge = left + width + 5
        found.append(
            f'<path class="fold" d="M{edge - 3:.1f} {first:.1f}h4v{last - first:.1f}h-4"/>'
            f'<text class="times" x="{edge + 5:.1f}" y="{(first + last) / 2 + 4:.1f}">'
            f"{TIMES}{fold.times}</text>"
        )
    return "".join([*found, "</g>"])


def _edge(edge: Edge, name: str) -> str:
    (x, y), *rest = edge.points
    path = f"M{x:.1f} {y:.1f}"
    for place, (nx, ny) in enumerate(rest):
        end = ny - 2 if place == len(rest) - 1 else ny
        straight = edge.skips and place % 2 == 1 and place != len(rest) - 1
        half = (y + ny) / 2
        path += (
            f"V{end:.1f}"
            if straight or nx == x
            else (f"C{x:.1f} {half:.1f} {nx:.1f} {half:.1f} {nx:.1f} {end:.1f}")
        )
        x, y = nx, ny
    kind, tip = ("edge past", "past") if edge.skips else ("edge", "tip")
    return f'<path class="{kind}" d="{path}" marker-end="url(#{name}-{tip})"/>'


def _group(shown: Boxes, index: int, where: Arrangement, sizes: list[tuple[float, float]]) -> str:
    """The frame around boxes that are drawn once and come several times."""
    fold = shown.folds[index]
    members = range(fold.start, fold.start + fold.length)
    lanes = [
        x for edge in where.edges for x, _ in edge.points if edge.target in members and edge.skips
    ]
    left = min([where.places[i][0] for i in members] + lanes) - 7
    right = max([where.places[i][0] + sizes[i][0] for i in members] + lanes) + 7
    top = min(where.places[i][1] for i in members) - 9
    bottom = max(where.places[i][1] + sizes[i][1] for i in members) + 7
    return (
        f'<rect class="frame" x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" '
        f'height="{bottom - top:.1f}" rx="7"/><text class="times" x="{right + 4:.1f}" '
        f'y="{(top + bottom) / 2 + 4:.1f}">{TIMES}{fold.times}</text>'
    )


_LIGHT = (
    "svg{background:#fffefb;font:11.5px system-ui,sans-serif}text{fill:#1b1b1a}"
    ".soft,.title{fill:#5b5953}.kind,.times{font-weight:600}.weights{fill:#0b5487}"
    ".layers rect{fill:#f6f3ec;stroke:#cbc6bb}.shared rect{stroke:#d55e00;stroke-dasharray:4 3}"
    ".input rect{fill:#fffefb;stroke:#1b1b1a}.out{fill:#00664b;font-weight:600}"
    ".edge{fill:none;stroke:#5b5953;stroke-width:1.4}.edge.past{stroke:#d55e00}"
    "marker path{fill:#5b5953}marker.past path{fill:#d55e00}.times{font-size:13px}"
    ".frame{fill:none;stroke:#cbc6bb;stroke-dasharray:2 3}.fold{fill:none;stroke:#5b5953}"
)


def standalone(structure: Structure, variant: str) -> str:
    """Draw a model as a file of its own, in light colours."""
    drawn = svg(structure, "net", told(structure, variant))
    begin = drawn.index(">") + 1
    head = drawn[:begin].replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    return f"{head}<style>{_LIGHT}</style>{drawn[begin:]}\n"
