"""Long graphs in columns: a graph is cut at an edge that alone connects two boxes which are alone in their layers."""

from __future__ import annotations

from itertools import pairwise

from search_spaces.drawing.layers import layer_numbers
from search_spaces.graphs.graph import Edge, Graph

__all__ = ["TALLEST", "folded"]

TALLEST = 13
"""A graph of more layers is folded into columns of about three quarters of this number."""


def folded(graph: Graph) -> tuple[list[Graph], list[Edge]]:
    """Cut a long graph into columns.

    Args:
        graph: the graph.

    Returns:
        The columns, and the edge from each to the next; `graph` alone if it is short or has no place for a cut.

    Raises:
        SpaceError: its vertices are not in topological order.
    """
    rank = dict(zip((vertex.name for vertex in graph.vertices), layer_numbers(graph), strict=True))
    last = max(rank.values(), default=0)
    cuts = _chosen(_joints(graph, rank), last + 1) if last + 1 > TALLEST else {}
    bounds = [-1, *cuts, last]
    columns = [_between(graph, rank, low, high) for low, high in pairwise(bounds)]
    return columns, list(cuts.values())


def _joints(graph: Graph, rank: dict[str, int]) -> dict[int, Edge]:
    """The layers after which the graph can be cut, each with the edge that is cut."""
    alone = [sum(found == layer for found in rank.values()) == 1 for layer in range(max(rank.values()) + 1)]
    joints: dict[int, Edge] = {}
    for layer in range(len(alone) - 1):
        over = [edge for edge in graph.edges if rank[edge.source] <= layer < rank[edge.target]]
        if len(over) == 1 and alone[layer] and alone[layer + 1] and not over[0].label:
            joints[layer] = over[0]
    return joints


def _chosen(joints: dict[int, Edge], layers: int) -> dict[int, Edge]:
    """The joints that give columns of about equal height."""
    columns = -(-layers // (TALLEST * 3 // 4))
    each = layers / columns
    chosen: dict[int, Edge] = {}
    for number in range(1, columns):
        off = {layer: abs(layer + 1 - each * number) for layer in joints}
        best = min(off, key=off.__getitem__, default=None)
        if best is not None and off[best] < each / 2:
            chosen[best] = joints[best]
    return chosen


def _between(graph: Graph, rank: dict[str, int], low: int, high: int) -> Graph:
    vertices = tuple(vertex for vertex in graph.vertices if low < rank[vertex.name] <= high)
    edges = tuple(edge for edge in graph.edges if low < rank[edge.source] and rank[edge.target] <= high)
    return Graph(graph.name, vertices, edges)
