"""The differences between the graphs of two architectures, vertex by vertex and edge by edge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Literal

from search_spaces.graphs.graph import Edge, Graph

__all__ = ["Mark", "Marks", "marks", "paired"]

Mark = Literal["changed", "only"]
""""changed": the other side has another operation there; "only": it has nothing there."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The parts of one graph that the other graph does not have.

    Attributes:
        vertices: a mark by vertex name.
        edges: a mark by edge.
        name: "changed" if the graphs have different names, else None.
    """

    vertices: dict[str, Mark] = field(default_factory=dict)
    edges: dict[Edge, Mark] = field(default_factory=dict)
    name: Mark | None = None

    def kinds(self) -> set[Mark]:
        """Collect the marks that occur.

        Returns:
            The different marks of vertices, edges and name.
        """
        named: set[Mark] = {self.name} if self.name else set()
        return {*self.vertices.values(), *self.edges.values()} | named


def marks(graph: Graph, other: Graph | None) -> Marks:
    """Compare a graph with another one.

    Args:
        graph: the graph to mark.
        other: the graph on the other side; None marks everything as "only".

    Returns:
        The marks of `graph`.
    """
    theirs = {vertex.name: vertex for vertex in other.vertices} if other else {}
    vertices: dict[str, Mark] = {}
    for vertex in graph.vertices:
        if theirs.get(vertex.name) != vertex:
            vertices[vertex.name] = "changed" if vertex.name in theirs else "only"
    extra = Counter(graph.edges) - Counter(other.edges if other else ())
    ends = Counter((edge.source, edge.target) for edge in (other.edges if other else ()))
    edges: dict[Edge, Mark] = {edge: "changed" if ends[edge.source, edge.target] else "only" for edge in extra}
    return Marks(vertices, edges, "changed" if other and other.name != graph.name else None)


def paired(graphs: Sequence[Graph], others: Sequence[Graph]) -> list[tuple[Graph | None, Graph | None]]:
    """Pair the graphs of two architectures.

    Args:
        graphs: the graphs of one.
        others: those of the other.

    Returns:
        Pairs of equal names, if both have the same names; else pairs in their order, with None after the shorter one's
        end.
    """
    by_name = {graph.name: graph for graph in others}
    if {graph.name for graph in graphs} == by_name.keys():
        return [(graph, by_name[graph.name]) for graph in graphs]
    return list(zip_longest(graphs, others))
