"""`nb201`: the cells of NAS-Bench-201 (Dong & Yang 2020, arXiv 2001.00326), 5 operations on 6 edges.

A cell has nodes 0 to 3; edge `edge_i_j` carries node i to node j, and a node is the sum of its edges. The
official form of a cell lists the edges by their target: `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`.

Of the 15,625 cells 6,466 differ by the paper's canonical form: a skip connection has the expression of its source; an
edge is zero if its operation is none or its source is a single zero; the terms of a node have no order. The form is
exactly the paper's, so that ids are its classes. It does not merge all cells that compute the same: zeros stay in a
sum, and a sum that a skip connection passes on stays one term. Merging those too would leave 4,930 cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces.architecture import Architecture, Scalar
from search_spaces.catalogue.settings import check_operations
from search_spaces.errors import ArchitectureError
from search_spaces.graphs.graph import Edge, Graph, Vertex
from search_spaces.names import did_you_mean
from search_spaces.parameters import choice
from search_spaces.space import Space

__all__ = ["EDGES", "OPERATIONS", "NB201Space", "canonical", "space"]

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ("edge_0_1", "edge_0_2", "edge_1_2", "edge_0_3", "edge_1_3", "edge_2_3")
_EDGES_OF_NODE = (("edge_0_1",), ("edge_0_2", "edge_1_2"), ("edge_0_3", "edge_1_3", "edge_2_3"))
_ZERO = "#"


def canonical(architecture: Architecture) -> str:
    """Compute the canonical form: the expression that the last node computes.

    Args:
        architecture: a member of the space.

    Returns:
        A text, equal for cells that the paper counts as one.
    """
    cell: Any = architecture._tree
    nodes = ["0"]
    for edges in _EDGES_OF_NODE:
        terms = [_term(cell[edge], nodes[source]) for source, edge in enumerate(edges)]
        terms.sort()
        nodes.append("+".join(terms))
    return nodes[-1]


def _term(operation: object, source: str) -> str:
    if operation == "none" or source == _ZERO:
        return _ZERO
    return source if operation == "skip_connect" else f"({source})@{operation}"


class NB201Space(Space):
    """The cells of NAS-Bench-201, `{"edge_0_1": op, .., "edge_2_3": op}`.

    Args:
        operations: some of `OPERATIONS`, or all.

    Raises:
        SpaceError: there is no operation, one is unknown, or one is given twice.
    """

    def __init__(self, operations: Sequence[str] = OPERATIONS) -> None:
        allowed = check_operations(operations, OPERATIONS)
        super().__init__({edge: choice(*allowed) for edge in EDGES}, name="nb201", canonical=canonical)

    def to_string(self, architecture: object) -> str:
        """Write the official form of a cell, `|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`.

        Args:
            architecture: a member, or its tree.

        Returns:
            The text.

        Raises:
            ArchitectureError: it is not a member.
        """
        cell = self.params(architecture)
        groups: list[str] = []
        for edges in _EDGES_OF_NODE:
            parts = [f"|{cell[edge]}~{source}" for source, edge in enumerate(edges)]
            groups.append("".join(parts) + "|")
        return "+".join(groups)

    def from_string(self, text: str) -> Architecture:
        """Read the cell of an official form; the inverse of `to_string`.

        Args:
            text: the form; white space around it is ignored.

        Returns:
            The member.

        Raises:
            ArchitectureError: the form breaks a rule; the message gives the character, from 0.
        """
        if not isinstance(text, str):
            kind = type(text).__name__
            raise ArchitectureError("", f"{text!r:.60} is a {kind}; give the text of a cell, |op~0|+|op~0|op~1|+..")
        groups = text.strip().split("+")
        if len(groups) != len(_EDGES_OF_NODE):
            raise _broken(text, 0, f"{len(groups)} nodes instead of {len(_EDGES_OF_NODE)}, joined by '+'")
        cell: dict[str, Scalar] = {}
        place = len(text) - len(text.lstrip())
        for group, edges in zip(groups, _EDGES_OF_NODE, strict=True):
            cell.update(_read_node(text, place, group, edges))
            place += len(group) + 1
        return self.validate(cell)

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw the cell: four nodes, an operation on every edge, `none` included."""
        cell = self.params(architecture)
        vertices = (
            Vertex("0", "input", "input"),
            Vertex("1", "1", "state"),
            Vertex("2", "2", "state"),
            Vertex("3", "output", "output"),
        )
        edges = tuple(Edge(edge[5], edge[7], str(cell[edge])) for edge in EDGES)
        return (Graph("cell", vertices, edges),)


def _read_node(text: str, place: int, group: str, edges: tuple[str, ...]) -> dict[str, Scalar]:
    """The operations of one node's edges; `place` is where its `group` starts in `text`."""
    if len(group) < 2 or group[0] != "|" or group[-1] != "|":
        raise _broken(text, place, f"node {len(edges)} is written |op~0|..| with a bar at both ends")
    parts = group[1:-1].split("|")
    if len(parts) != len(edges):
        raise _broken(text, place, f"node {len(edges)} has {len(edges)} edges, here are {len(parts)}")
    found: dict[str, Scalar] = {}
    place += 1
    for source, (part, edge) in enumerate(zip(parts, edges, strict=True)):
        operation, tilde, number = part.partition("~")
        if operation not in OPERATIONS:
            close = did_you_mean(operation, OPERATIONS)
            raise _broken(
                text, place, f"{operation!r} is not an operation{close}; allowed: {', '.join(OPERATIONS)}", edge
            )
        if not tilde or number != str(source):
            raise _broken(text, place, f"{part!r} should read '{operation}~{source}'", edge)
        found[edge] = operation
        place += len(part) + 1
    return found


def _broken(text: object, place: int, rule: str, edge: str = "") -> ArchitectureError:
    return ArchitectureError(edge, f"{text!r:.150} breaks at character {place}: {rule}")


def space(operations: Sequence[str] = OPERATIONS) -> NB201Space:
    """Make the space of NAS-Bench-201, or one with some of its operations.

    Args:
        operations: some of `OPERATIONS`, or all.

    Returns:
        The space.

    Raises:
        SpaceError: there is no operation, one is unknown, or one is given twice.
    """
    return NB201Space(operations)
