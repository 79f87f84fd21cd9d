"""Where boxes go: ranks from the inputs down, few crossings, long edges in lanes of their own.

The method is the layered drawing of Sugiyama, Tagawa and Toda 1981: longest-path ranks, dummy
places for edges that span several ranks, the order within a rank by the mean place of the
neighbours, and coordinates by least squares under the order (pool adjacent violators).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

GAP_X, GAP_Y, LANE = 22.0, 34.0, 16.0
_SWEEPS = 12


@dataclass(frozen=True)
class Edge:
    """A line from a box to its reader: x and y of its bends, top to bottom, and if it skips a rank."""

    source: int
    target: int
    points: tuple[tuple[float, float], ...]
    skips: bool


@dataclass(frozen=True)
class Arrangement:
    """Left and top of each box, the edges, and the size of all; in pixels."""

    places: tuple[tuple[float, float], ...]
    edges: tuple[Edge, ...]
    width: float
    height: float


def arrange(sizes: Sequence[tuple[float, float]], reads: Sequence[Sequence[int]]) -> Arrangement:
    """Place boxes and route edges.

    Args:
        sizes: width and height of each box.
        reads: for each box the boxes above it that it reads; each comes earlier in the list.

    Returns:
        Everything in pixels, from (0, 0).
    """
    rank: list[int] = []
    for above in reads:
        rank.append(max((rank[place] for place in above), default=-1) + 1)
    # An input is drawn just above its first reader, not at the top of a tall graph.
    for here in range(len(reads)):
        below = [rank[i] for i, above in enumerate(reads) if here in above]
        if not reads[here] and below:
            rank[here] = min(below) - 1
    lanes = _Lanes(sizes, reads, rank)
    lanes.order()
    x = lanes.coordinates()
    tops, height = [], 0.0
    for row in lanes.rows:
        tops.append(height)
        height += max((lanes.heights[i] for i in row), default=0.0) + GAP_Y
    left = min(x[i] - lanes.widths[i] / 2 for i in range(len(x)))
    right = max(x[i] + lanes.widths[i] / 2 for i in range(len(x)))
    x = [value - left for value in x]
    bottoms = [tops[rank[i]] + sizes[i][1] for i in range(len(sizes))]
    edges = []
    for source, target, way in lanes.ways:
        points = [(x[source], bottoms[source])]
        for dummy in way:
            passed = lanes.rank[dummy]
            end = tops[passed] + max(lanes.heights[i] for i in lanes.rows[passed])
            points += [(x[dummy], tops[passed]), (x[dummy], end)]
        points.append((x[target], tops[rank[target]]))
        edges.append(Edge(source, target, tuple(points), bool(way)))
    edges = _apart(edges, [width for width, _ in sizes])
    places = tuple((x[i] - sizes[i][0] / 2, tops[rank[i]]) for i in range(len(sizes)))
    return Arrangement(places, tuple(edges), right - left, height - GAP_Y)


def _apart(edges: Sequence[Edge], widths: Sequence[float]) -> list[Edge]:
    """The same edges, those into one box ending side by side in the order they come from."""
    ends: dict[int, list[Edge]] = {}
    for edge in edges:
        ends.setdefault(edge.target, []).append(edge)
    moved = []
    for target, into in ends.items():
        into.sort(key=lambda edge: edge.points[-2][0])
        step = min(18.0, 0.7 * widths[target] / len(into))
        for place, edge in enumerate(into):
            x, y = edge.points[-1]
            end = (x + step * (place - (len(into) - 1) / 2), y)
            moved.append(replace(edge, points=(*edge.points[:-1], end)))
    return moved


class _Lanes:
    """Boxes and, numbered behind them, one dummy for each rank that an edge passes."""

    def __init__(
        self,
        sizes: Sequence[tuple[float, float]],
        reads: Sequence[Sequence[int]],
        rank: Sequence[int],
    ) -> None:
        self.rank = list(rank)
        self.widths = [width for width, _ in sizes]
        self.heights = [height for _, height in sizes]
        self.boxes = len(sizes)
        self.ways: list[tuple[int, int, list[int]]] = []
        self.up: list[list[int]] = [[] for _ in sizes]
        self.down: list[list[int]] = [[] for _ in sizes]
        for target, above in enumerate(reads):
            for source in dict.fromkeys(above):
                self._connect(source, target)
        self.rows: list[list[int]] = [[] for _ in range(max(self.rank, default=0) + 1)]
        for item, row in enumerate(self.rank):
            self.rows[row].append(item)

    def _connect(self, source: int, target: int) -> None:
        before, way = source, []
        for row in range(self.rank[source] + 1, self.rank[target]):
            dummy = len(self.rank)
            self.rank.append(row)
            self.widths.append(LANE)
            self.heights.append(0.0)
            self.up.append([])
            self.down.append([])
            self._join(before, dummy)
            way.append(dummy)
            before = dummy
        self._join(before, target)
        self.ways.append((source, target, way))

    def _join(self, above: int, below: int) -> None:
        self.down[above].append(below)
        self.up[below].append(above)

    def order(self) -> None:
        """Sort every row by the mean place of its neighbours, down and up in turn."""
        for sweep in range(_SWEEPS):
            downward = sweep % 2 == 0
            beside = self.up if downward else self.down
            for row in self.rows if downward else reversed(self.rows):
                spot = {i: k for other in self.rows for k, i in enumerate(other)}
                wish = {
                    i: sum(spot[j] for j in beside[i]) / len(beside[i]) if beside[i] else spot[i]
                    for i in row
                }
                row.sort(key=lambda i: (wish[i], spot[i]))

    def coordinates(self) -> list[float]:
        """The middle of each item, near the middle of its neighbours."""
        x = [0.0] * len(self.rank)
        for row in self.rows:
            end = 0.0
            for item in row:
                x[item] = end + self.widths[item] / 2
                end += self.widths[item] + GAP_X
            for item in row:
                x[item] -= (end - GAP_X) / 2
        for sweep in range(_SWEEPS):
            downward = sweep % 2 == 0
            for row in self.rows if downward else reversed(self.rows):
                self._settle(row, x, self.up if downward else self.down)
        for row in self.rows:
            both = [[*self.up[i], *self.down[i]] for i in range(len(self.rank))]
            self._settle(row, x, both)
        return x

    def _settle(self, row: list[int], x: list[float], beside: list[list[int]]) -> None:
        """Least squares to the neighbours' mean, the order kept and nothing overlapping."""
        offset, offsets = 0.0, []
        for place, item in enumerate(row):
            if place:
                before = row[place - 1]
                gap = GAP_X if before < self.boxes or item < self.boxes else 0.0
                offset += (self.widths[before] + self.widths[item]) / 2 + gap
            offsets.append(offset)
        blocks: list[tuple[float, float, int]] = []  # mean, weight, items
        for item, shift in zip(row, offsets, strict=True):
            wish = self._wish(item, beside[item], x)
            weight = 4.0 if item < self.boxes else 1.0
            blocks.append((wish - shift, weight, 1))
            while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
                (a, u, m), (b, v, n) = blocks[-2:]
                blocks[-2:] = [((a * u + b * v) / (u + v), u + v, m + n)]
        placed = [mean for mean, _, count in blocks for _ in range(count)]
        for item, mean, shift in zip(row, placed, offsets, strict=True):
            x[item] = mean + shift

    def _wish(self, item: int, near: list[int], x: list[float]) -> float:
        """The middle of the boxes beside it; where there are none, of the edges that pass."""
        if not near:
            return x[item]
        boxes = [j for j in near if j < self.boxes] or near
        return sum(x[j] for j in boxes) / len(boxes)
