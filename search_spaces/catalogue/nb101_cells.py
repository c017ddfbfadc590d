"""The cells of NAS-Bench-101 as graphs: their live part, the official hash, and the enumeration of unique cells.

A cell is a tuple of predecessor masks: bit u of `into[v]` is set if there is an edge from vertex u to vertex v. Vertex
0 is the input, the last vertex the output; each vertex between has an operation (Ying et al. 2019, arXiv 1902.09635).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from hashlib import md5
from itertools import permutations, product
from math import comb
from typing import NamedTuple

__all__ = [
    "OPERATIONS",
    "CellGraph",
    "cell_hash",
    "connected_graphs",
    "predecessors",
    "pruned_cell",
    "unique_cells",
    "unlabelled_graphs",
]

OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
"""In the official order: the hash takes the place of an operation here as its label."""


class CellGraph(NamedTuple):
    """A directed acyclic graph with edges from lower to higher vertices.

    Attributes:
        into: for each vertex the mask of its predecessors; vertex 0 is the input, the last one the output.
        operations: the operations of the inner vertices.
    """

    into: tuple[int, ...]
    operations: tuple[str, ...]

    @property
    def edges(self) -> int:
        """The number of edges."""
        return sum(mask.bit_count() for mask in self.into)


def predecessors(mask: int) -> list[int]:
    """List the vertices of a mask.

    Args:
        mask: bit u stands for vertex u.

    Returns:
        Their numbers, ascending.
    """
    return [vertex for vertex in range(mask.bit_length()) if mask >> vertex & 1]


def pruned_cell(cell: CellGraph) -> CellGraph | None:
    """Find the live part of a cell: the vertices on a path from input to output.

    Args:
        cell: a cell with or without dead vertices.

    Returns:
        The live part, renumbered; None if no path leads from the input to the output.
    """
    last = len(cell.into) - 1
    reached = 1
    for vertex in range(1, last + 1):
        reached |= bool(cell.into[vertex] & reached) << vertex
    if not reached >> last:
        return None
    needed = 1 << last
    for vertex in range(last, 0, -1):
        if needed >> vertex & 1:
            needed |= cell.into[vertex]
    kept = predecessors(reached & needed)
    into = tuple(_moved(cell.into[vertex], kept) for vertex in kept)
    return CellGraph(into, tuple(cell.operations[vertex - 1] for vertex in kept[1:-1]))


def _moved(mask: int, kept: list[int]) -> int:
    """The mask when vertex `kept[i]` becomes vertex i, and all others are dropped."""
    return sum((mask >> vertex & 1) << place for place, vertex in enumerate(kept))


def cell_hash(cell: CellGraph) -> str:
    """Compute the official hash of a pruned cell.

    Every vertex starts with the digest of its (out-degree, in-degree, operation). There is one round for
    each vertex; in a round every vertex takes in the digests of its neighbours. The hash is the digest of all digests,
    sorted.

    Args:
        cell: a pruned cell.

    Returns:
        32 hexadecimal characters, equal for isomorphic cells.
    """
    before = [predecessors(mask) for mask in cell.into]
    after = []
    for v in range(len(cell.into)):
        after.append([target for target, mask in enumerate(cell.into) if mask >> v & 1])
    labels = [-1, *map(OPERATIONS.index, cell.operations), -2]
    digests = [
        _digest(f"({len(out)}, {len(into)}, {label})") for out, into, label in zip(after, before, labels, strict=True)
    ]
    for _ in cell.into:
        digests = [
            _digest(f"{_joined(digests, into)}|{_joined(digests, out)}|{own}")
            for into, out, own in zip(before, after, digests, strict=True)
        ]
    return _digest(str(sorted(digests)))


def _joined(digests: list[str], vertices: list[int]) -> str:
    return "".join(sorted([digests[vertex] for vertex in vertices]))


def _digest(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def unique_cells(vertices: int = 7, max_edges: int = 9) -> Iterator[CellGraph]:
    """Enumerate one cell of every isomorphism class: 423,624 in the paper's space.

    Of the assignments of operations to a graph, those are kept which no automorphism of the graph turns into a smaller
    one.

    Args:
        vertices: the greatest number of vertices, with input and output.
        max_edges: the greatest number of edges.

    Yields:
        Pruned cells, those with fewer vertices first.
    """
    for count in range(2, vertices + 1):
        for into, automorphisms in unlabelled_graphs(count, max_edges):
            for operations in product(OPERATIONS, repeat=count - 2):
                if all(operations <= tuple([operations[i] for i in order]) for order in automorphisms):
                    yield CellGraph(into, operations)


def unlabelled_graphs(vertices: int, max_edges: int) -> Iterator[tuple[tuple[int, ...], list[tuple[int, ...]]]]:
    """Enumerate one graph of every isomorphism class in which each vertex is on a path from input to output.

    Args:
        vertices: the number of vertices, with input and output.
        max_edges: the greatest number of edges.

    Yields:
        The predecessor masks of a graph, and its automorphisms except the identity, as orders of the inner vertices
        (numbered from 0).
    """
    inner = range(1, vertices - 1)
    seen: set[tuple[int, ...]] = set()
    for into in _full_graphs((0,), vertices, max_edges):
        if into in seen:
            continue
        orders = [(0, *order, vertices - 1) for order in permutations(inner)]
        moved = [(order, tuple(_moved(into[vertex], list(order)) for vertex in order)) for order in orders]
        seen.update(graph for _, graph in moved)
        yield into, [tuple(v - 1 for v in order[1:-1]) for order, graph in moved[1:] if graph == into]


def _full_graphs(into: tuple[int, ...], vertices: int, edges: int) -> Iterator[tuple[int, ...]]:
    """Every graph that starts with these masks, has no loose end, and has up to `edges` further edges."""
    vertex = len(into)
    if vertex == vertices:
        used = 0
        for mask in into:
            used |= mask
        if used == (1 << vertices - 1) - 1:
            yield into
        return
    for mask in range(1, 1 << vertex):
        left = edges - mask.bit_count()
        if left >= vertices - 1 - vertex:
            yield from _full_graphs((*into, mask), vertices, left)


def connected_graphs(vertices: int, max_edges: int) -> int:
    """Count the sets of edges that connect the input with the output; isomorphic ones count each.

    The count goes vertex by vertex. Of v earlier vertices r are reached; k edges into the next vertex reach it in
    C(v, k) - C(v - r, k) of C(v, k) ways.

    Args:
        vertices: the number of vertices, with input and output.
        max_edges: the greatest number of edges.

    Returns:
        The number of sets.
    """
    ways = Counter({(1, 0, True): 1})
    for vertex in range(1, vertices):
        further: Counter[tuple[int, int, bool]] = Counter()
        for (reached, edges, _), count in ways.items():
            for more in range(vertex + 1):
                apart = comb(vertex - reached, more)
                further[reached, edges + more, False] += count * apart
                further[reached + 1, edges + more, True] += count * (comb(vertex, more) - apart)
        ways = further
    return sum(count for (_, edges, connected), count in ways.items() if connected and edges <= max_edges)
