"""What differs between the graphs of two architectures, vertex by vertex and edge by edge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Literal

from search_spaces.graphs.graph import Edge, Graph

__all__ = ["Mark", "Marks", "marks", "paired"]

Mark = Literal["changed", "only"]
"""Another operation stands there on the other side, or nothing does."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The vertices (by name) and edges of one side that the other does not have; whether the graph has another name."""

    vertices: dict[str, Mark] = field(default_factory=dict)
    edges: dict[Edge, Mark] = field(default_factory=dict)
    name: Mark | None = None

    def kinds(self) -> set[Mark]:
        """Those of the marks that occur."""
        named: set[Mark] = {self.name} if self.name else set()
        return {*self.vertices.values(), *self.edges.values()} | named


def marks(graph: Graph, other: Graph | None) -> Marks:
    """What `graph` has and `other` has not; everything where there is no other graph."""
    theirs = {vertex.name: vertex for vertex in other.vertices} if other else {}
    vertices: dict[str, Mark] = {
        vertex.name: "changed" if vertex.name in theirs else "only"
        for vertex in graph.vertices
        if theirs.get(vertex.name) != vertex
    }
    extra = Counter(graph.edges) - Counter(other.edges if other else ())
    ends = Counter((edge.source, edge.target) for edge in (other.edges if other else ()))
    edges: dict[Edge, Mark] = {edge: "changed" if ends[edge.source, edge.target] else "only" for edge in extra}
    return Marks(vertices, edges, "changed" if other and other.name != graph.name else None)


def paired(graphs: Sequence[Graph], others: Sequence[Graph]) -> list[tuple[Graph | None, Graph | None]]:
    """The graphs of two architectures, those of one name together; the rest in their order."""
    by_name = {graph.name: graph for graph in others}
    if {graph.name for graph in graphs} == by_name.keys():
        return [(graph, by_name[graph.name]) for graph in graphs]
    return list(zip_longest(graphs, others))
