"""An architecture as a graph: what drawings, adjacency and path encodings are made from, for every family.

Operations stand on edges (the label of the edge: DARTS, NAS-Bench-201) or on vertices of the kind "operation"
(NAS-Bench-101, NASNet, chains). Only data; `Space.graphs(architecture)` makes them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["Edge", "Graph", "Kind", "Vertex"]

Kind = Literal["input", "operation", "state", "output"]


@dataclass(frozen=True, slots=True)
class Vertex:
    """`name` is unique in its graph, `label` is what a person reads; a state only adds or concatenates."""

    name: str
    label: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Edge:
    """From one vertex to a later one, through the operation called `label` if there is one."""

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """A directed acyclic graph, `vertices` in topological order."""

    name: str
    vertices: tuple[Vertex, ...]
    edges: tuple[Edge, ...]
