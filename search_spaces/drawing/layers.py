"""The first step of a layered drawing (Sugiyama, Tagawa & Toda 1981): every vertex gets a layer.

A layer is one below the lowest of those that lead to it. The label of an edge stands in the layer right above the
target, as an item of its own, and an edge that passes a layer has a bend there: so nothing can be drawn over a
label, or through a box.
"""

from __future__ import annotations

from dataclasses import dataclass

from search_spaces.drawing.text import LINE, SIZE, broken_lines, text_width
from search_spaces.errors import SpaceError
from search_spaces.graphs.graph import Graph, Vertex

__all__ = ["Item", "Layered", "Segment", "layered", "ranks"]

BEND_WIDTH = 2.0


@dataclass(slots=True, eq=False)
class Item:
    """Something that takes room in a layer: the box of a vertex, the label of an edge, or a bend without text."""

    layer: int
    width: float
    height: float
    lines: tuple[str, ...]
    vertex: int | None
    edge: int | None
    x: float = 0.0
    """The middle, in pixels."""

    @property
    def is_bend(self) -> bool:
        return not self.lines


@dataclass(slots=True, eq=False)
class Segment:
    """A piece of an edge from an item to one in the next layer; the shifts say where it leaves and arrives."""

    upper: Item
    lower: Item
    edge: int
    shift_upper: float = 0.0
    shift_lower: float = 0.0


@dataclass(slots=True)
class Layered:
    """A graph whose edges are cut where they meet a layer."""

    layers: list[list[Item]]
    segments: list[Segment]
    boxes: list[Item]
    """The item of each vertex, in the order of the graph."""


def ranks(graph: Graph) -> list[int]:
    """The layer of each vertex; `SpaceError` for a graph whose vertices are not in topological order."""
    place = _places(graph)
    ends = [(place[edge.source], place[edge.target], 2 if edge.label else 1) for edge in graph.edges]
    rank = [0] * len(graph.vertices)
    for source, target, length in sorted(ends):
        rank[target] = max(rank[target], rank[source] + length)
    bottom = max(rank, default=0)
    for index in reversed(range(len(rank))):
        rank[index] = _lowered(graph.vertices[index], index, rank, ends, bottom)
    return rank


def _lowered(vertex: Vertex, index: int, rank: list[int], ends: list[tuple[int, int, int]], bottom: int) -> int:
    """Operations stand close to what they lead to, outputs at the bottom; the rest stays where it is."""
    if vertex.kind == "output" and all(source != index for source, _, _ in ends):
        return bottom
    below = min((rank[target] - length for source, target, length in ends if source == index), default=rank[index])
    enter = sum(target == index for _, target, _ in ends)
    leave = sum(source == index for source, _, _ in ends)
    movable = (vertex.kind == "operation" and enter <= leave) or (vertex.kind == "state" and not enter)
    return below if movable else rank[index]


def _places(graph: Graph) -> dict[str, int]:
    place = {vertex.name: index for index, vertex in enumerate(graph.vertices)}
    if len(place) != len(graph.vertices):
        raise SpaceError(f"graph {graph.name!r}: two vertices share a name; give each its own")
    for edge in graph.edges:
        missing = next((name for name in (edge.source, edge.target) if name not in place), None)
        if missing is not None:
            raise SpaceError(f"graph {graph.name!r}: an edge ends at {missing!r}, which is no vertex; add the vertex")
        if place[edge.source] >= place[edge.target]:
            raise SpaceError(
                f"graph {graph.name!r}: the edge from {edge.source!r} to {edge.target!r} goes back; list the "
                "vertices in topological order"
            )
    return place


def layered(graph: Graph) -> Layered:
    """`graph` cut into layers, each in the order of the graph; crossings and places come later."""
    rank = ranks(graph)
    place = {vertex.name: index for index, vertex in enumerate(graph.vertices)}
    layers: list[list[Item]] = [[] for _ in range(max(rank, default=-1) + 1)]
    boxes = [_box(graph, index, rank[index]) for index in range(len(rank))]
    for box in boxes:
        layers[box.layer].append(box)
    segments: list[Segment] = []
    for number, edge in enumerate(graph.edges):
        last, target = boxes[place[edge.source]], boxes[place[edge.target]]
        for layer in range(last.layer + 1, target.layer):
            item = _passed(layer, number, edge.label if layer == target.layer - 1 else "")
            layers[layer].append(item)
            segments.append(Segment(last, item, number))
            last = item
        segments.append(Segment(last, target, number))
    return Layered(layers, segments, boxes)


def _box(graph: Graph, index: int, layer: int) -> Item:
    vertex = graph.vertices[index]
    ways = max(
        sum(edge.target == vertex.name for edge in graph.edges), sum(edge.source == vertex.name for edge in graph.edges)
    )
    lines = broken_lines(vertex.label or vertex.name)
    height, least = SIZE * LINE * len(lines) + 13, SIZE * LINE + 13
    return Item(layer, max(max(map(text_width, lines)) + 22, 10 * ways + 14, least), height, lines, index, None)


def _passed(layer: int, edge: int, label: str) -> Item:
    if not label:
        return Item(layer, BEND_WIDTH, 0.0, (), None, edge)
    lines = broken_lines(label)
    return Item(layer, max(map(text_width, lines)) + 18, SIZE * LINE * len(lines) + 7, lines, None, edge)
