"""Values in the order of time as a small line without axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from service.contracts.samples import Line

WIDTH, HEIGHT = 132, 40
"""Of the drawing, in pixels."""
_EDGE = 4


@dataclass(frozen=True)
class Course:
    """A line, drawn.

    Attributes:
        points: of an SVG polyline.
        end: where its last value lies.
        told: the same in words.
    """

    points: str
    end: tuple[float, float]
    told: str


def course(line: Line) -> Course:
    """Draw a line from the left to the right edge, its lowest value at the bottom."""
    values: Sequence[float] = line.values
    low, high = min(values), max(values)
    across, up = WIDTH - 2 * _EDGE, HEIGHT - 2 * _EDGE
    places = [
        (
            round(_EDGE + across * place / max(1, len(values) - 1), 1),
            round(_EDGE + up * (high - value) / ((high - low) or 1.0), 1),
        )
        for place, value in enumerate(values)
    ]
    return Course(
        points=" ".join(f"{x:g},{y:g}" for x, y in places),
        end=places[-1],
        told=f"{low:.4g} to {high:.4g}, last {values[-1]:.4g}",
    )
