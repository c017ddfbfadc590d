"""`nb101`: the cells of NAS-Bench-101 (Ying et al. 2019, arXiv 1902.09635): up to 7 vertices and 9 edges.

A member is a set of edges in the full frame of 7 vertices, `"0_1"` from the input to the first inner vertex,
and an operation for each of the 5 inner ones. What lies on no path from input to output computes nothing:
smaller cells are members with dead vertices, and a set of edges without any path is no member.

`size` counts such members: 573,494 sets of edges times 3^5. They are 423,624 different cells: the id is made
from the official hash of the part that computes, and `unique_cells` gives one member for each.

Most sets of edges have dead ends, so random members are mostly small cells: a thousand draws hold about 330
different ones, 1 in 100 with all 7 vertices (85 in 100 of the paper's cells). Draw from `unique_cells` for an
even choice of cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

from search_spaces.architecture import Architecture, Json
from search_spaces.catalogue.nb101_cells import OPERATIONS, Cell, cell_hash, connected_graphs, pruned, sources
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
    """Whether there is a path from input to output."""
    return pruned(_cell(architecture._tree)) is not None


def canonical(architecture: Architecture) -> str:
    """The official hash of what computes."""
    return cell_hash(live_cell(architecture._tree))


def live_cell(tree: Any) -> Cell:
    """The part of a member's tree that computes; `ArchitectureError` where input and output do not meet."""
    live = pruned(_cell(tree))
    if live is None:
        raise ArchitectureError("edges", "no path of edges leads from the input to the output; add one")
    return live


def _cell(tree: Any) -> Cell:
    """All of a member, dead vertices included."""
    into = [0] * (len(tree["operations"]) + 2)
    for edge in tree["edges"]:
        source, _, target = edge.partition("_")
        into[int(target)] |= 1 << int(source)
    return Cell(tuple(into), tuple(tree["operations"]))


class NB101Space(Space):
    """The cells of NAS-Bench-101, `{"edges": ["0_1", ..], "operations": [op, ..]}`, with the official forms.

    `vertices` (at least 3) count input and output; up to `max_edges` edges.
    """

    def __init__(self, vertices: int = 7, max_edges: int = 9) -> None:
        for name, value, low in (("vertices", vertices, 3), ("max_edges", max_edges, 1)):
            if not is_whole(value, low):
                raise SpaceError(f"space 'nb101': {name}={value!r}; it is a whole number of at least {low}")
        edges = [f"{source}_{target}" for source in range(vertices) for target in range(source + 1, vertices)]
        tree = {
            "edges": subset(edges, (1, min(max_edges, len(edges)))),
            "operations": [choice(*OPERATIONS) for _ in range(vertices - 2)],
        }
        super().__init__(tree, name="nb101", valid=connected, canonical=canonical)

    @property
    def vertices(self) -> int:
        """How many vertices a cell has at most, input and output included."""
        return len(self._declared["operations"]) + 2

    @property
    def max_edges(self) -> int:
        """How many edges a cell has at most."""
        return int(self._declared["edges"].high)

    @property
    def size(self) -> int:
        """How many members there are, exactly: by formula."""
        if self._size is None:
            self._size = connected_graphs(self.vertices, self.max_edges) * len(OPERATIONS) ** (self.vertices - 2)
        return self._size

    def from_matrix(self, matrix: Any, operations: Any) -> Architecture:
        """The cell of an official form, its dead parts dropped.

        `matrix` is square, of 0 and 1, upper triangular, as lists or a NumPy array; `operations` name the
        inner vertices, with "input" and "output" around them or without. `ArchitectureError` says where it
        breaks: the paths are `matrix.row.column` and `operations.place`. As in the official code the limits
        hold for the part that computes.
        """
        into = _read_matrix(matrix)
        cell = pruned(Cell(into, _read_operations(operations, len(into) - 2)))
        if cell is None:
            raise ArchitectureError("matrix", "no path of edges leads from the input to the output; add one")
        if len(cell.into) > self.vertices:
            raise ArchitectureError("matrix", _too_many(len(cell.into), "vertices", self.vertices))
        if cell.edges > self.max_edges:
            raise ArchitectureError("matrix", _too_many(cell.edges, "edges", self.max_edges))
        return self.validate(self._embedded(cell))

    def to_matrix(self, architecture: object) -> tuple[Matrix, list[str]]:
        """The official form of what computes: the upper triangular matrix, and all operations with the ends."""
        cell = self._live(architecture)
        matrix = [[mask >> source & 1 for mask in cell.into] for source in range(len(cell.into))]
        return matrix, ["input", *cell.operations, "output"]

    def hash(self, architecture: object) -> str:
        """The official hash, 32 hexadecimal characters: the key of the cell in the published tables."""
        return cell_hash(self._live(architecture))

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """The part that computes, operations on its vertices."""
        cell = self._live(architecture)
        inner = [Vertex(f"vertex_{place}", label, "operation") for place, label in enumerate(cell.operations, 1)]
        vertices = (Vertex("input", "input", "input"), *inner, Vertex("output", "output", "output"))
        edges = [
            Edge(vertices[source].name, target.name)
            for target, mask in zip(vertices, cell.into, strict=True)
            for source in sources(mask)
        ]
        return (Graph("cell", vertices, tuple(edges)),)

    def unique_cells(self) -> Iterator[Architecture]:
        """One member for each different cell, by number of vertices; all of the paper's in a few seconds."""
        for cell in unique(self.vertices, self.max_edges):
            yield self._bind(self._embedded(cell))

    @property
    def _declared(self) -> Any:
        return self.declared

    def _live(self, architecture: object) -> Cell:
        return live_cell(self.validate(architecture)._tree)

    def _embedded(self, cell: Cell) -> Json:
        """The tree of a pruned cell: its inner vertices first, then dead ones, the output last."""
        inner, last = len(cell.operations), self.vertices - 1
        places = [*range(inner + 1), last]
        pairs = sorted(
            (source, place) for place, mask in zip(places, cell.into, strict=True) for source in sources(mask)
        )
        unused = [OPERATIONS[0]] * (last - 1 - inner)
        return {"edges": [f"{source}_{target}" for source, target in pairs], "operations": [*cell.operations, *unused]}


def _too_many(count: int, what: str, limit: int) -> str:
    return f"{count} {what} lie on paths from input to output; this space has up to {limit}; drop some"


def _read_matrix(matrix: Any) -> tuple[int, ...]:
    """The predecessor masks of an adjacency matrix."""
    rows = _plain(matrix)
    if not isinstance(rows, list) or len(rows) < 2 or not all(isinstance(row, list) for row in rows):
        raise ArchitectureError("matrix", f"{rows!r} is no square matrix of at least 2 vertices; give a list of rows")
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
                raise ArchitectureError(f"operations.{place}", f"{names[place]!r} stands where {end!r} must stand")
    for place in range(first, first + inner):
        if names[place] not in OPERATIONS:
            close = did_you_mean(str(names[place]), OPERATIONS) or ";"
            said = f"{names[place]!r} is no operation{close} allowed: {', '.join(OPERATIONS)}"
            raise ArchitectureError(f"operations.{place}", said)
    return tuple(names[first : first + inner])


def _plain(value: Any) -> Any:
    """Arrays, tuples and lists as plain lists; anything else as it is."""
    if hasattr(value, "tolist"):
        return value.tolist()
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def space(vertices: int = 7, max_edges: int = 9) -> NB101Space:
    """The space of NAS-Bench-101 cells, or that of smaller or larger ones."""
    return NB101Space(vertices, max_edges)
