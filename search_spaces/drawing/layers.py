"""The first step of a layered drawing (Sugiyama, Tagawa & Toda 1981): every vertex gets a layer.

A vertex is one layer below the lowest of its predecessors. The label of an edge is an item in the layer right above
the target, and an edge that passes a layer has a bend there. So no edge is drawn over a label or through a box.
"""

from __future__ import annotations

from dataclasses import dataclass

from search_spaces.drawing.text import LINE, SIZE, broken_lines, text_width
from search_spaces.errors import SpaceError
from search_spaces.graphs.graph import Graph, Vertex

__all__ = ["Item", "Layered", "Segment", "layer_numbers", "layered"]

BEND_WIDTH = 2.0


@dataclass(slots=True, eq=False)
class Item:
    """Something that takes room in a layer: the box of a vertex, the label of an edge, or a bend without text.

    Lengths are in pixels.

    Attributes:
        layer: the index of its layer, from the top.
        width: its width.
        height: its height.
        lines: its text; empty for a bend.
        vertex: the index of its vertex in the graph; None for a label or a bend.
        edge: the index of its edge in the graph; None for a vertex.
    """

    layer: int
    width: float
    height: float
    lines: tuple[str, ...]
    vertex: int | None
    edge: int | None
    x: float = 0.0
    """The middle of the item."""

    @property
    def is_bend(self) -> bool:
        return not self.lines


@dataclass(slots=True, eq=False)
class Segment:
    """A piece of an edge from an item to one in the next layer.

    Attributes:
        upper: the item where it starts.
        lower: the item where it ends.
        edge: the index of its edge in the graph.
        shift_upper: where it leaves, in pixels from the middle of `upper`.
        shift_lower: where it arrives, in pixels from the middle of `lower`.
    """

    upper: Item
    lower: Item
    edge: int
    shift_upper: float = 0.0
    shift_lower: float = 0.0


@dataclass(slots=True)
class Layered:
    """A graph whose edges are cut where they meet a layer.

    Attributes:
        layers: the items of each layer from left to right, the top layer first.
        segments: the pieces of all edges.
        boxes: the item of each vertex, in the order of the graph.
    """

    layers: list[list[Item]]
    segments: list[Segment]
    boxes: list[Item]


def layer_numbers(graph: Graph) -> list[int]:
    """Assign a layer to each vertex.

    Args:
        graph: the graph.

    Returns:
        The index of each vertex's layer, from the top, in the order of the graph.

    Raises:
        SpaceError: vertices share a name, an edge ends at no vertex, or the vertices are not in topological order.
    """
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
    """The layer of a vertex, moved down: operations close to their successors, outputs to the bottom; others stay."""
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
            raise SpaceError(
                f"graph {graph.name!r}: an edge ends at {missing!r}, which is not a vertex; add the vertex"
            )
        if place[edge.source] >= place[edge.target]:
            raise SpaceError(
                f"graph {graph.name!r}: the edge from {edge.source!r} to {edge.target!r} goes back; list the "
                "vertices in topological order"
            )
    return place


def layered(graph: Graph) -> Layered:
    """Cut a graph into layers, each in the order of the graph; `order` and `place` complete the layout.

    Args:
        graph: the graph.

    Returns:
        The layers, with every `x` at 0.

    Raises:
        SpaceError: as for `layer_numbers`.
    """
    rank = layer_numbers(graph)
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
    arriving = sum(edge.target == vertex.name for edge in graph.edges)
    leaving = sum(edge.source == vertex.name for edge in graph.edges)
    lines = broken_lines(vertex.label or vertex.name)
    height = SIZE * LINE * len(lines) + 13
    width = max(max(map(text_width, lines)) + 22, 10 * max(arriving, leaving) + 14, SIZE * LINE + 13)
    return Item(layer, width, height, lines, index, None)


def _passed(layer: int, edge: int, label: str) -> Item:
    if not label:
        return Item(layer, BEND_WIDTH, 0.0, (), None, edge)
    lines = broken_lines(label)
    return Item(layer, max(map(text_width, lines)) + 18, SIZE * LINE * len(lines) + 7, lines, None, edge)
