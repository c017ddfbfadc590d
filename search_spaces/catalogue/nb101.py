"""`nb101`: the cells of NAS-Bench-101 (Ying et al. 2019, arXiv 1902.09635): up to 7 vertices and 9 edges.

A member is a set of edges between 7 vertices, such as `"0_1"` from the input to the first inner vertex, and an
operation for each of the 5 inner vertices. A vertex on no path from input to output is dead: it computes nothing.
Smaller cells are members with dead vertices. A set of edges without a path from input to output is not a member.

`size` counts these members: 573,494 sets of edges times 3^5. They are 423,624 different cells. The id is made from
the official hash of the live part, and `unique_cells` enumerates one member of each cell.

Most sets of edges have dead ends, so random members are mostly small cells: a thousand draws have about 330 different
cells, and 1 in 100 has all 7 vertices (of the paper's cells, 85 in 100). Draw from `unique_cells` for a uniform
sample of cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from search_spaces.architecture import Architecture, Json
from search_spaces.catalogue.nb101_cells import (
    OPERATIONS,
    CellGraph,
    cell_hash,
    connected_graphs,
    predecessors,
    pruned_cell,
)
from search_spaces.catalogue.nb101_cells import unique_cells as unique
from search_spaces.errors import ArchitectureError, SpaceError
from search_spaces.graphs.graph import Edge, Graph, Vertex
from search_spaces.names import did_you_mean
from search_spaces.parameters import choice, subset
from search_spaces.space import Space
from search_spaces.whole_numbers import is_whole

__all__ = ["OPERATIONS", "NB101Space", "canonical", "connected", "live_cell", "space"]

Matrix: TypeAlias = "list[list[int]]"


def connected(architecture: Architecture) -> bool:
    """Test whether a path leads from the input to the output: the rule of the space.

    Args:
        architecture: a tree of the space, with its edges and operations.

    Returns:
        True if there is such a path.
    """
    return pruned_cell(_cell(architecture._tree)) is not None


def canonical(architecture: Architecture) -> str:
    """Compute the canonical form.

    Args:
        architecture: a member.

    Returns:
        The official hash of the live part, 32 hexadecimal characters.
    """
    return cell_hash(live_cell(architecture._tree))


def live_cell(tree: Any) -> CellGraph:
    """Find the live part of a cell: the vertices on a path from input to output.

    Args:
        tree: the tree of a member.

    Returns:
        The cell of those vertices.

    Raises:
        ArchitectureError: no path leads from the input to the output.
    """
    live = pruned_cell(_cell(tree))
    if live is None:
        raise ArchitectureError("edges", "no path of edges leads from the input to the output; add one")
    return live


def _cell(tree: Any) -> CellGraph:
    """The cell of a member's tree, dead vertices included."""
    into = [0] * (len(tree["operations"]) + 2)
    for edge in tree["edges"]:
        source, _, target = edge.partition("_")
        into[int(target)] |= 1 << int(source)
    return CellGraph(tuple(into), tuple(tree["operations"]))


class NB101Space(Space):
    """The cells of NAS-Bench-101, `{"edges": ["0_1", ..], "operations": [op, ..]}`.

    Args:
        vertices: the greatest number of vertices, with input and output; at least 3.
        max_edges: the greatest number of edges, at least 1.

    Raises:
        SpaceError: a setting is no such number.
    """

    declared: dict[str, Any]

    def __init__(self, vertices: int = 7, max_edges: int = 9) -> None:
        for name, value, low in (("vertices", vertices, 3), ("max_edges", max_edges, 1)):
            if not is_whole(value, low):
                raise SpaceError(f"space 'nb101': {name}={value!r}; it is a whole number of at least {low}")
        edges = []
        for source in range(vertices):
            for target in range(source + 1, vertices):
                edges.append(f"{source}_{target}")
        tree = {
            "edges": subset(edges, (1, min(max_edges, len(edges)))),
            "operations": [choice(*OPERATIONS) for _ in range(vertices - 2)],
        }
        super().__init__(tree, name="nb101", valid=connected, canonical=canonical)

    @property
    def vertices(self) -> int:
        """The greatest number of vertices of a cell, input and output included."""
        return len(self.declared["operations"]) + 2

    @property
    def max_edges(self) -> int:
        """The greatest number of edges of a cell."""
        return int(self.declared["edges"].high)

    @property
    def size(self) -> int:
        """The exact number of members, by a formula."""
        if self._size is None:
            self._size = connected_graphs(self.vertices, self.max_edges) * len(OPERATIONS) ** (self.vertices - 2)
        return self._size

    def from_matrix(self, matrix: Any, operations: Any) -> Architecture:
        """Read the official form of a cell, and drop its dead part.

        As in the official code, the limits of vertices and edges hold for the live part.

        Args:
            matrix: the adjacency matrix (n, n) of 0 and 1, upper triangular, as lists or as a NumPy array.
            operations: the n - 2 operations of the inner vertices, with or without "input" and "output" around them.

        Returns:
            The member.

        Raises:
            ArchitectureError: the form is malformed, or the cell too large; the path is `matrix.row.column` or
                `operations.place`.
        """
        into = _read_matrix(matrix)
        cell = pruned_cell(CellGraph(into, _read_operations(operations, len(into) - 2)))
        if cell is None:
            raise ArchitectureError("matrix", "no path of edges leads from the input to the output; add one")
        if len(cell.into) > self.vertices:
            raise ArchitectureError("matrix", _too_many(len(cell.into), "vertices", self.vertices))
        if cell.edges > self.max_edges:
            raise ArchitectureError("matrix", _too_many(cell.edges, "edges", self.max_edges))
        return self.validate(self._embedded(cell))

    def to_matrix(self, architecture: object) -> tuple[Matrix, list[str]]:
        """Write the official form of the live part.

        Args:
            architecture: a member, or its tree.

        Returns:
            The adjacency matrix (n, n), upper triangular, and the n operations with "input" and "output".

        Raises:
            ArchitectureError: it is not a member.
        """
        cell = self._live(architecture)
        matrix = []
        for source in range(len(cell.into)):
            matrix.append([mask >> source & 1 for mask in cell.into])
        return matrix, ["input", *cell.operations, "output"]

    def hash(self, architecture: object) -> str:
        """Compute the official hash, the key of a cell in the published tables.

        Args:
            architecture: a member, or its tree.

        Returns:
            32 hexadecimal characters.

        Raises:
            ArchitectureError: it is not a member.
        """
        return cell_hash(self._live(architecture))

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw the live part of the cell; its operations are vertices."""
        cell = self._live(architecture)
        inner = [Vertex(f"vertex_{place}", label, "operation") for place, label in enumerate(cell.operations, 1)]
        vertices = (Vertex("input", "input", "input"), *inner, Vertex("output", "output", "output"))
        edges: list[Edge] = []
        for target, mask in zip(vertices, cell.into, strict=True):
            edges += [Edge(vertices[source].name, target.name) for source in predecessors(mask)]
        return (Graph("cell", vertices, tuple(edges)),)

    def unique_cells(self) -> Iterator[Architecture]:
        """Enumerate the different cells: one member of every isomorphism class. The paper's take a few seconds.

        Yields:
            The members, those with fewer vertices first.
        """
        for cell in unique(self.vertices, self.max_edges):
            yield self._bind(self._embedded(cell))

    def _live(self, architecture: object) -> CellGraph:
        return live_cell(self.validate(architecture)._tree)

    def _embedded(self, cell: CellGraph) -> Json:
        """The tree of a pruned cell: its inner vertices first, then dead ones, the output last."""
        inner, last = len(cell.operations), self.vertices - 1
        places = [*range(inner + 1), last]
        pairs: list[tuple[int, int]] = []
        for place, mask in zip(places, cell.into, strict=True):
            pairs += [(source, place) for source in predecessors(mask)]
        unused = [OPERATIONS[0]] * (last - 1 - inner)
        return {
            "edges": [f"{source}_{target}" for source, target in sorted(pairs)],
            "operations": [*cell.operations, *unused],
        }


def _too_many(count: int, what: str, limit: int) -> str:
    return f"{count} {what} lie on paths from input to output; this space has up to {limit}; drop some"


def _read_matrix(matrix: Any) -> tuple[int, ...]:
    """The predecessor masks of an adjacency matrix."""
    rows = _plain(matrix)
    if not isinstance(rows, list) or len(rows) < 2 or not all(isinstance(row, list) for row in rows):
        raise ArchitectureError(
            "matrix", f"{rows!r} is not a square matrix of at least 2 vertices; give a list of rows"
        )
    into = [0] * len(rows)
    for source, row in enumerate(rows):
        if len(row) != len(rows):
            said = f"{len(row)} entries in one of {len(rows)} rows; the matrix is square"
            raise ArchitectureError(f"matrix.{source}", said)
        for target, entry in enumerate(row):
            into[target] |= _read_entry(entry, source, target) << source
    return tuple(into)


def _read_entry(entry: object, source: int, target: int) -> int:
    place = f"matrix.{source}.{target}"
    if entry not in (0, 1):
        raise ArchitectureError(place, f"{entry!r} is neither 0 nor 1; an edge is there or not")
    if entry and target <= source:
        rule = "edges lead from a vertex to a later one, so the matrix is upper triangular; reorder the vertices"
        raise ArchitectureError(place, f"an edge from vertex {source} to vertex {target}; {rule}")
    return int(bool(entry))


def _read_operations(operations: Any, inner: int) -> tuple[str, ...]:
    """The operations of the inner vertices, from a list with or without the two ends."""
    names = _plain(operations)
    if not isinstance(names, list) or len(names) not in (inner, inner + 2):
        said = f"{names!r} does not name {inner} inner vertices; give that many, or those between 'input' and 'output'"
        raise ArchitectureError("operations", said)
    first = 0
    if len(names) == inner + 2:
        first = 1
        for place, end in ((0, "input"), (inner + 1, "output")):
            if names[place] != end:
                raise ArchitectureError(f"operations.{place}", f"{names[place]!r} is found where {end!r} is required")
    for place in range(first, first + inner):
        if names[place] not in OPERATIONS:
            close = did_you_mean(str(names[place]), OPERATIONS) or ";"
            said = f"{names[place]!r} is not an operation{close} allowed: {', '.join(OPERATIONS)}"
            raise ArchitectureError(f"operations.{place}", said)
    return tuple(names[first : first + inner])


def _plain(value: Any) -> Any:
    """Arrays and tuples as lists; any other value unchanged."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def space(vertices: int = 7, max_edges: int = 9) -> NB101Space:
    """Make the space of NAS-Bench-101, or one of smaller or larger cells.

    Args:
        vertices: the greatest number of vertices, with input and output; at least 3.
        max_edges: the greatest number of edges, at least 1.

    Returns:
        The space.

    Raises:
        SpaceError: a setting is no such number.
    """
    return NB101Space(vertices, max_edges)
