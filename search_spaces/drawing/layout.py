"""A graph with every box, label and line in its place, in pixels from the upper left corner.

Layers run from top to bottom. A line bends only between two layers, and crosses a layer vertically at its bend in it.
So no line meets a box or a label of another edge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

from search_spaces.drawing.coordinates import place
from search_spaces.drawing.crossings import order
from search_spaces.drawing.folding import folded
from search_spaces.drawing.layers import Item, Layered, Segment, layered
from search_spaces.graphs.graph import Edge, Graph

__all__ = ["Box", "Line", "Placed", "graph_layout"]

GUTTER = 56.0
"""Pixels between two columns of a folded graph."""
RADIUS = 8.0
"""The radius of the corners of a line between two columns, in pixels."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with text: a vertex, or the label of an edge.

    Attributes:
        x: the left side, in pixels.
        y: the upper side, in pixels.
        width: in pixels.
        height: in pixels.
        lines: the text.
        vertex: the name of the vertex; None for a label.
        edge: the edge of a label; None for a vertex.
    """

    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]
    vertex: str | None
    edge: Edge | None


@dataclass(frozen=True, slots=True)
class Line:
    """The line of an edge.

    Attributes:
        path: the commands of an SVG path, in pixels.
        edge: the edge.
        tip: the point `(x, y)` where its arrow ends, in pixels.
    """

    path: str
    edge: Edge
    tip: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Placed:
    """A graph in pixels.

    Attributes:
        width: in pixels.
        height: in pixels.
        boxes: the vertices and the labels.
        lines: the edges.
    """

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]

    def box_of(self, vertex: str) -> Box:
        """Find the box of a vertex.

        Args:
            vertex: its name.

        Returns:
            The box.
        """
        return next(box for box in self.boxes if box.vertex == vertex)

    def moved(self, x: float, y: float) -> Placed:
        """Move the graph right and down.

        Args:
            x: pixels to the right.
            y: pixels down.

        Returns:
            The moved graph; `width` and `height` stay.
        """
        boxes = tuple(replace(box, x=box.x + x, y=box.y + y) for box in self.boxes)
        lines: list[Line] = []
        for line in self.lines:
            tip = line.tip[0] + x, line.tip[1] + y
            lines.append(Line(_moved_path(line.path, x, y), line.edge, tip))
        return Placed(self.width, self.height, boxes, tuple(lines))


def graph_layout(graph: Graph) -> Placed:
    """Lay a graph out; a graph of many layers is folded into columns (see `folding`).

    Args:
        graph: the graph.

    Returns:
        Its boxes and lines in pixels from the upper left corner.

    Raises:
        SpaceError: its vertices are not in topological order.
    """
    columns, joints = folded(graph)
    placed: list[Placed] = []
    gutters: list[float] = []
    right = 0.0
    for column in columns:
        placed.append(_column(column).moved(right, 2 * RADIUS if joints else 0.0))
        right += placed[-1].width + GUTTER
        gutters.append(right - GUTTER / 2)
    lines = [line for column in placed for line in column.lines]
    for edge, (one, other), gutter in zip(joints, pairwise(placed), gutters[:-1], strict=True):
        lines.append(_joint(edge, one, other, gutter))
    boxes = tuple(box for column in placed for box in column.boxes)
    height = max(column.height for column in placed) + (4 * RADIUS if joints else 0.0)
    return Placed(max(right - GUTTER, 0.0), height, boxes, tuple(lines))


def _column(graph: Graph) -> Placed:
    drawing = layered(graph)
    order(drawing)
    place(drawing)
    tops = _tops(drawing)
    names = [vertex.name for vertex in graph.vertices]
    items = [item for layer in drawing.layers for item in layer]
    boxes = tuple(_boxed(item, tops[item.layer], names, graph) for item in items if not item.is_bend)
    pieces: list[list[Segment]] = [[] for _ in graph.edges]
    for segment in drawing.segments:
        pieces[segment.edge].append(segment)
    lines = tuple(_line(edge, way, tops) for edge, way in zip(graph.edges, pieces, strict=True))
    width = max((item.x + item.width / 2 for item in items), default=0.0)
    return Placed(width, tops[-1][1] if tops else 0.0, boxes, lines)


def _tops(drawing: Layered) -> list[tuple[float, float]]:
    """The `y` of the upper and the lower end of each layer; wide lines between two layers move them apart."""
    widest = [0.0] * len(drawing.layers)
    for segment in drawing.segments:
        across = abs(segment.upper.x + segment.shift_upper - segment.lower.x - segment.shift_lower)
        widest[segment.lower.layer] = max(widest[segment.lower.layer], across)
    tops: list[tuple[float, float]] = []
    y = 0.0
    for layer, across in zip(drawing.layers, widest, strict=True):
        y += min(22 + across / 9, 64) if tops else 0.0
        height = max(item.height for item in layer)
        tops.append((y, y + height))
        y += height
    return tops


def _boxed(item: Item, ends: tuple[float, float], names: list[str], graph: Graph) -> Box:
    top = (ends[0] + ends[1] - item.height) / 2
    vertex = None if item.vertex is None else names[item.vertex]
    edge = None if item.edge is None else graph.edges[item.edge]
    return Box(item.x - item.width / 2, top, item.width, item.height, item.lines, vertex, edge)


def _line(edge: Edge, way: Iterable[Segment], tops: list[tuple[float, float]]) -> Line:
    words: list[str] = []
    x = y = 0.0
    for segment in way:
        x, end = segment.upper.x + segment.shift_upper, tops[segment.upper.layer]
        if not words:
            words.append(_at("M", (x, (end[0] + end[1] + segment.upper.height) / 2)))
        words.append(_at("L", (x, end[1])))
        below = tops[segment.lower.layer]
        x, y, before = segment.lower.x + segment.shift_lower, below[0], (x, end[1])
        middle = (before[1] + y) / 2
        words.append(_at("C", (before[0], middle), (x, middle), (x, y)))
        y = (below[0] + below[1] - segment.lower.height) / 2
    words.append(_at("L", (x, y)))
    return Line(" ".join(words), edge, (x, y))


def _joint(edge: Edge, one: Placed, other: Placed, between: float) -> Line:
    """The line from the foot of one column to the head of the next; it rises at the `x` `between` them."""
    start, end = one.box_of(edge.source), other.box_of(edge.target)
    x, y = start.x + start.width / 2, start.y + start.height
    to_x, to_y = end.x + end.width / 2, end.y
    foot, head, r = y + 2 * RADIUS, to_y - 2 * RADIUS, RADIUS
    words = [
        _at("M", (x, y)),
        _at("L", (x, foot - r)),
        _at("Q", (x, foot), (x + r, foot)),
        _at("L", (between - r, foot)),
        _at("Q", (between, foot), (between, foot - r)),
        _at("L", (between, head + r)),
        _at("Q", (between, head), (between + r, head)),
        _at("L", (to_x - r, head)),
        _at("Q", (to_x, head), (to_x, head + r)),
        _at("L", (to_x, to_y)),
    ]
    return Line(" ".join(words), edge, (to_x, to_y))


def _at(command: str, *points: tuple[float, float]) -> str:
    return f"{command} " + " ".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _moved_path(path: str, x: float, y: float) -> str:
    words, odd = [], False
    for word in path.split():
        if word.isalpha():
            words.append(word)
            continue
        words.append(f"{float(word) + (y if odd else x):.1f}")
        odd = not odd
    return " ".join(words)
