"""Two encodings of cells as graphs, for predictors: adjacency with one-hot operations, and paths.

Both encode `Space.graphs`, cell after cell, as float64 of a length that is fixed for a space. First an operation on an
edge becomes a vertex, and states, which only add or concatenate, are removed: the inputs, the operations and the output
of each cell remain. `Space.encode` (the decisions as a vector) works for every space and can be decoded. These two
cannot be decoded, and need a space whose graphs are made from a fixed set of operations.

- `adjacency_encoding`: the upper triangle of the adjacency matrix by rows, then one-hot operations. The vertices are
  the inputs, the operations in topological order (padded with 0 in a smaller cell), then the output. For
  NAS-Bench-101 it has 21 + 5 * 3 numbers. Isomorphic cells may differ.
- `path_encoding` (White et al. 2019, BANANAS, arXiv 1910.11858): 1 for each path from an input to the output that the
  cell has. A path is its input and its operations in order. It is equal for isomorphic cells. For NAS-Bench-201 it has
  5 + 25 + 125 = 155 numbers (`none` is an operation like the others). Shorter paths come first; paths of one length
  are sorted by cell, then by input, then by operations. So `length` keeps the short paths of all cells.

The operations are in alphabetical order. They, and the greatest number of them in a cell, come from a fixed sample of
the space's members, which is drawn once.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from search_spaces.algebra.deciders import looked_up
from search_spaces.architecture import Architecture
from search_spaces.errors import SpaceError
from search_spaces.graphs.graph import Graph
from search_spaces.whole_numbers import is_whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from search_spaces.space import Space

__all__ = ["MOST_PATHS", "adjacency_encoding", "path_encoding"]

MOST_PATHS = 1_000_000
"""The longest path encoding without a given `length`."""
_SAMPLES = 300
_MOST_OPERATIONS = 64


@dataclass(frozen=True)
class _OperationGraph:
    """A cell of inputs, operations and outputs only: `sources[v]` are the predecessors of vertex v, ascending.

    The inputs come first, then the operations in topological order (`labels`), then the outputs.
    """

    inputs: int
    labels: tuple[str, ...]
    sources: tuple[tuple[int, ...], ...]

    @property
    def outputs(self) -> range:
        return range(self.inputs + len(self.labels), len(self.sources))


@dataclass(frozen=True)
class _Frame:
    """The size of a space's encodings."""

    cells: tuple[tuple[int, int, int], ...]
    """The greatest numbers of inputs, operations and outputs of each cell."""
    operations: tuple[str, ...]
    """All operations, in alphabetical order."""
    shortest: int
    """The fewest operations of a path."""
    longest: int
    """The most operations of a path."""

    @property
    def inputs(self) -> int:
        return max(inputs for inputs, _, _ in self.cells)


def adjacency_encoding(space: Space, architecture: object) -> NDArray[np.float64]:
    """Encode an architecture by the adjacency matrix and the operations of each cell.

    Args:
        space: a space whose graphs are made from a fixed set of operations.
        architecture: a member, or its tree.

    Returns:
        Numbers 0 and 1 of shape (n,), float64; n is the same for all members.

    Raises:
        SpaceError: the space has no fixed set of operations.
        ArchitectureError: `architecture` is not a member.
    """
    import numpy as np

    frame = _frame(space)
    parts: list[NDArray[np.float64]] = []
    for cell, most in zip(_operation_graphs(space, architecture), frame.cells, strict=True):
        parts += _adjacency(space, frame, cell, most)
    return np.concatenate(parts)


def path_encoding(space: Space, architecture: object, length: int | None = None) -> NDArray[np.float64]:
    """Encode an architecture by the paths of its cells.

    Args:
        space: a space whose graphs are made from a fixed set of operations.
        architecture: a member, or its tree.
        length: the number of paths to encode, in the order of this module; None for all.

    Returns:
        1 for each path that the architecture has, else 0; float64 of shape (n,), n the same for all members.

    Raises:
        SpaceError: the space has no fixed set of operations, `length` is not an int of at least 1, or there are more
            than `MOST_PATHS` paths and no `length`.
        ArchitectureError: `architecture` is not a member.
    """
    import numpy as np

    frame = _frame(space)
    total = _first_place(frame, frame.longest + 1)
    if length is None and total > MOST_PATHS:
        raise SpaceError(f"space {space.name or 'without name'} has {total} paths; give a length, such as length=1000")
    if length is not None and not is_whole(length, 1):
        raise SpaceError(f"length={length!r}: the length of a path encoding is an int of at least 1, or None for all")
    encoded = np.zeros(min(total, length or total), dtype=np.float64)
    for number, cell in enumerate(_operation_graphs(space, architecture)):
        for path in _paths(cell):
            place = _index(space, frame, number, path)
            if place < len(encoded):
                encoded[place] = 1.0
    return encoded


def _adjacency(
    space: Space, frame: _Frame, cell: _OperationGraph, most: tuple[int, int, int]
) -> Sequence[NDArray[np.float64]]:
    import numpy as np

    inputs, operations, outputs = most
    count = inputs + operations + outputs
    place = [*range(cell.inputs + len(cell.labels)), *range(count - len(cell.outputs), count)]
    matrix = np.zeros((count, count))
    for target, sources in enumerate(cell.sources):
        for source in sources:
            matrix[place[source], place[target]] = 1.0
    one_hot = np.zeros((operations, len(frame.operations)))
    for index, label in enumerate(cell.labels):
        one_hot[index, _number(space, frame, label)] = 1.0
    return matrix[np.triu_indices(count, 1)], one_hot.ravel()


Path = tuple[int, tuple[str, ...]]
"""The input that a path starts at, and its operations."""


def _paths(cell: _OperationGraph) -> Iterator[Path]:
    """Every path from an input to an output, each once."""
    leading: list[set[Path]] = [{(index, ())} for index in range(cell.inputs)]
    for vertex in range(cell.inputs, len(cell.sources)):
        is_operation = vertex not in cell.outputs
        own = (cell.labels[vertex - cell.inputs],) if is_operation else ()
        reaching: set[Path] = set()
        for source in cell.sources[vertex]:
            reaching.update((start, (*labels, *own)) for start, labels in leading[source])
        leading.append(reaching)
    whole: set[Path] = set()
    for vertex in cell.outputs:
        whole |= leading[vertex]
    yield from whole


def _first_place(frame: _Frame, operations: int) -> int:
    """The index of the first path with this number of operations."""
    shorter = sum(int(len(frame.operations) ** count) for count in range(frame.shortest, operations))
    return len(frame.cells) * frame.inputs * shorter


def _index(space: Space, frame: _Frame, cell: int, path: Path) -> int:
    start, labels = path
    if not frame.shortest <= len(labels) <= frame.longest:
        raise _unlimited(space, f"a sample of its members has no path of {len(labels)} operations")
    place = cell * frame.inputs + start
    for label in labels:
        place = place * len(frame.operations) + _number(space, frame, label)
    return _first_place(frame, len(labels)) + place


def _number(space: Space, frame: _Frame, label: str) -> int:
    if label not in frame.operations:
        raise _unlimited(space, f"a sample of its members has no operation {label!r}")
    return frame.operations.index(label)


def _unlimited(space: Space, reason: str) -> SpaceError:
    name = space.name or "without name"
    return SpaceError(
        f"space {name} is not a space of cells with a fixed set of operations: {reason}; use space.encode"
    )


_frames: WeakKeyDictionary[Space, _Frame] = WeakKeyDictionary()


def _frame(space: Space) -> _Frame:
    if space not in _frames:
        _frames[space] = _learnt(space)
    return _frames[space]


def _learnt(space: Space) -> _Frame:
    rng = random.Random(0)
    sample = [*_extremes(space), *(space.sample(rng) for _ in range(_SAMPLES))]
    members = [_operation_graphs(space, made) for made in sample]
    cells = list(chain.from_iterable(members))
    operations = sorted({label for cell in cells for label in cell.labels})
    if len(operations) > _MOST_OPERATIONS:
        raise _unlimited(
            space, f"a sample has {len(operations)} different ones, at most {_MOST_OPERATIONS} are encoded"
        )
    depths = list(chain.from_iterable(map(_depths, cells)))
    most: list[tuple[int, int, int]] = []
    for same in zip(*members, strict=True):
        inputs = max(cell.inputs for cell in same)
        labels = max(len(cell.labels) for cell in same)
        most.append((inputs, labels, max(len(cell.outputs) for cell in same)))
    return _Frame(tuple(most), tuple(operations), min(low for low, _ in depths), max(high for _, high in depths))


def _extremes(space: Space) -> list[Architecture]:
    """The members of all first and of all last values, which have the deepest cells."""
    fills = [{}, {p.name: p.value(p.count - 1) for p in space.parameters if p.count}]
    made = [space._bind(space._root.build(looked_up(fill))) for fill in fills]
    return [architecture for architecture in made if space._is_valid(architecture)]


def _depths(cell: _OperationGraph) -> Iterator[tuple[int, int]]:
    """The fewest and the most operations on the paths to each output that has one."""
    depths: list[tuple[int, int] | None] = [(0, 0)] * cell.inputs
    for vertex in range(cell.inputs, len(cell.sources)):
        sources = [depths[source] for source in cell.sources[vertex]]
        before = [depth for depth in sources if depth is not None]
        own = int(vertex not in cell.outputs)
        if before:
            depths.append((min(low for low, _ in before) + own, max(high for _, high in before) + own))
        else:
            depths.append(None)
    for vertex in cell.outputs:
        depth = depths[vertex]
        if depth is not None:
            yield depth


def _operation_graphs(space: Space, architecture: object) -> list[_OperationGraph]:
    return [_operation_graph(graph) for graph in space.graphs(architecture)]


def _operation_graph(graph: Graph) -> _OperationGraph:
    """A graph without states, its operations on vertices."""
    inputs = [vertex.name for vertex in graph.vertices if vertex.kind == "input"]
    reaching: dict[str, set[int]] = {name: {index} for index, name in enumerate(inputs)}
    labels: list[str] = []
    sources: list[tuple[int, ...]] = [() for _ in inputs]
    ends: list[tuple[int, ...]] = []
    for vertex in graph.vertices:
        if vertex.kind == "input":
            continue
        into: set[int] = set()
        for edge in graph.edges:
            if edge.target != vertex.name:
                continue
            into |= (
                {_added(labels, sources, edge.label, reaching[edge.source])} if edge.label else reaching[edge.source]
            )
        if vertex.kind == "operation":
            into = {_added(labels, sources, vertex.label, into)}
        if vertex.kind == "output":
            ends.append(tuple(sorted(into)))
        reaching[vertex.name] = into
    return _OperationGraph(len(inputs), tuple(labels), (*sources, *ends))


def _added(labels: list[str], sources: list[tuple[int, ...]], label: str, before: set[int]) -> int:
    """Add an operation vertex with these predecessors; return its number."""
    labels.append(label)
    sources.append(tuple(sorted(before)))
    return len(sources) - 1
