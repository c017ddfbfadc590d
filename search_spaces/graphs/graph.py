"""An architecture as a graph: the input of drawings and of adjacency and path encodings, for every family.

Operations are on edges (the label of the edge: DARTS, NAS-Bench-201) or on vertices of the kind "operation"
(NAS-Bench-101, NASNet, chains). The classes hold data only; `Space.graphs(architecture)` makes graphs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Edge", "Graph", "Kind", "Vertex"]

Kind = Literal["input", "operation", "state", "output"]


@dataclass(frozen=True, slots=True)
class Vertex:
    """A vertex of a graph.

    Attributes:
        name: unique in its graph.
        label: the text in drawings; the operation of a vertex of the kind "operation".
        kind: "input", "operation", "state" (which only adds or concatenates) or "output".
    """

    name: str
    label: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge to a later vertex.

    Attributes:
        source: the name of the vertex where it starts.
        target: the name of the vertex where it ends.
        label: its operation; empty if it has none.
    """

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """A directed acyclic graph.

    Attributes:
        name: the name of the cell, or of the space.
        vertices: the vertices, in topological order.
        edges: the edges.
    """

    name: str
    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]
