"""Two encodings of cells as graphs, for predictors: adjacency with one-hot operations, and paths.

Both are read off `Space.graphs`, as float64 of a length that is fixed for a space, cell after cell. An operation on
an edge becomes a vertex first, and states, which only add or concatenate, disappear: what is left are the inputs, the
operations and the output of each cell. `Space.encode` (the decisions as a vector) works for every space, and comes
back; these two are one-way, and for spaces whose graphs are made from a fixed set of operations.

- `adjacency_encoding`: the upper triangle of the matrix by rows, then one-hot operations. The vertices are the
  inputs, the operations in topological order (places that a smaller cell leaves free are 0), then the output. For
  NAS-Bench-101 it has 21 + 5 * 3 numbers. Isomorphic cells may differ.
- `path_encoding` (White et al. 2019, BANANAS, arXiv 1910.11858): 1 for each path from an input to the output that the
  cell has, a path being its input and its operations in order. Equal for isomorphic cells. For NAS-Bench-201 it has
  5 + 25 + 125 = 155 numbers (`none` is an operation like the others). The order is: shorter paths first, of equal
  length by cell, then by input, then by operations; so `length` keeps the short ones, of all cells.

The operations stand in alphabetical order. They, and the greatest number of them in a cell, are learnt once a space
from a fixed sample of its members.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from search_spaces.algebra.deciders import looked_up
from search_spaces.architecture import Architecture
from search_spaces.errors import SpaceError
from search_spaces.graphs.graph import Graph

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from search_spaces.space import Space

__all__ = ["LONGEST", "adjacency_encoding", "path_encoding"]

LONGEST = 1_000_000
"""The longest path encoding that is made without being asked for a `length`."""
_SAMPLES = 300
_MOST_OPERATIONS = 64


@dataclass(frozen=True)
class _Bare:
    """A graph of inputs, operations and outputs only: `sources[v]` are the vertices before vertex v, ascending.

    Vertices are numbered in topological order but for the inputs, which come first, and the outputs, which come last.
    """

    inputs: int
    labels: tuple[str, ...]
    sources: tuple[tuple[int, ...], ...]

    @property
    def outputs(self) -> range:
        return range(self.inputs + len(self.labels), len(self.sources))


@dataclass(frozen=True)
class _Frame:
    """What the graphs of a space have in common: for each cell its greatest numbers, for all the operations."""

    cells: tuple[tuple[int, int, int], ...]
    operations: tuple[str, ...]
    shortest: int
    longest: int

    @property
    def inputs(self) -> int:
        return max(inputs for inputs, _, _ in self.cells)


def adjacency_encoding(space: Space, architecture: object) -> NDArray[np.float64]:
    """The upper triangle of each cell's matrix and its operations, one-hot; 0 where a cell is smaller than others.

    `SpaceError` for a space whose graphs are not made from a fixed set of operations.
    """
    import numpy as np

    frame = _frame(space)
    parts: list[NDArray[np.float64]] = []
    for bare, most in zip(_bare_graphs(space, architecture), frame.cells, strict=True):
        parts += _adjacency(space, frame, bare, most)
    return np.concatenate(parts)


def path_encoding(space: Space, architecture: object, length: int | None = None) -> NDArray[np.float64]:
    """Which paths the cells have, as 0 and 1; all of them, or the first `length` in the order of this module.

    `SpaceError` as for `adjacency_encoding`, and for more than `LONGEST` paths unless there is a `length`.
    """
    import numpy as np

    frame = _frame(space)
    total = _first_place(frame, frame.longest + 1)
    if length is None and total > LONGEST:
        raise SpaceError(f"space {space.name or 'without name'} has {total} paths; give a length, such as length=1000")
    if length is not None and (isinstance(length, bool) or not isinstance(length, int) or length < 1):
        raise SpaceError(f"length={length!r}: the length of a path encoding is an int of at least 1, or None for all")
    encoded = np.zeros(min(total, length or total), dtype=np.float64)
    for cell, bare in enumerate(_bare_graphs(space, architecture)):
        for path in _paths(bare):
            place = _place(space, frame, cell, path)
            if place < len(encoded):
                encoded[place] = 1.0
    return encoded


def _adjacency(space: Space, frame: _Frame, bare: _Bare, most: tuple[int, int, int]) -> Sequence[NDArray[np.float64]]:
    import numpy as np

    inputs, operations, outputs = most
    count = inputs + operations + outputs
    place = [*range(bare.inputs + len(bare.labels)), *range(count - len(bare.outputs), count)]
    matrix = np.zeros((count, count))
    for target, sources in enumerate(bare.sources):
        for source in sources:
            matrix[place[source], place[target]] = 1.0
    one_hot = np.zeros((operations, len(frame.operations)))
    for index, label in enumerate(bare.labels):
        one_hot[index, _number(space, frame, label)] = 1.0
    return matrix[np.triu_indices(count, 1)], one_hot.ravel()


Path = tuple[int, tuple[str, ...]]


def _paths(bare: _Bare) -> Iterator[Path]:
    """Every path from an input to an output, as the input and the operations, each once."""
    leading: list[set[Path]] = [{(index, ())} for index in range(bare.inputs)]
    for vertex in range(bare.inputs, len(bare.sources)):
        is_operation = vertex not in bare.outputs
        own = (bare.labels[vertex - bare.inputs],) if is_operation else ()
        before = (path for source in bare.sources[vertex] for path in leading[source])
        leading.append({(start, (*labels, *own)) for start, labels in before})
    yield from {path for vertex in bare.outputs for path in leading[vertex]}


def _first_place(frame: _Frame, operations: int) -> int:
    """Where the paths with so many operations begin."""
    shorter = sum(int(len(frame.operations) ** count) for count in range(frame.shortest, operations))
    return len(frame.cells) * frame.inputs * shorter


def _place(space: Space, frame: _Frame, cell: int, path: Path) -> int:
    start, labels = path
    if not frame.shortest <= len(labels) <= frame.longest:
        raise _unlimited(space, f"a path of {len(labels)} operations is none that a sample of its members has")
    place = cell * frame.inputs + start
    for label in labels:
        place = place * len(frame.operations) + _number(space, frame, label)
    return _first_place(frame, len(labels)) + place


def _number(space: Space, frame: _Frame, label: str) -> int:
    if label not in frame.operations:
        raise _unlimited(space, f"{label!r} is none of the operations that a sample of its members has")
    return frame.operations.index(label)


def _unlimited(space: Space, reason: str) -> SpaceError:
    name = space.name or "without name"
    return SpaceError(f"space {name} is no space of cells with a fixed set of operations: {reason}; use space.encode")


_frames: WeakKeyDictionary[Space, _Frame] = WeakKeyDictionary()


def _frame(space: Space) -> _Frame:
    if space not in _frames:
        _frames[space] = _learnt(space)
    return _frames[space]


def _learnt(space: Space) -> _Frame:
    rng = random.Random(0)
    members = [_bare_graphs(space, made) for made in [*_extremes(space), *(space.sample(rng) for _ in range(_SAMPLES))]]
    operations = sorted({label for cells in members for bare in cells for label in bare.labels})
    if len(operations) > _MOST_OPERATIONS:
        raise _unlimited(
            space, f"a sample has {len(operations)} different ones, at most {_MOST_OPERATIONS} are encoded"
        )
    depths = [depth for cells in members for bare in cells for depth in _depths(bare)]
    most = [
        (
            max(bare.inputs for bare in same),
            max(len(bare.labels) for bare in same),
            max(len(bare.outputs) for bare in same),
        )
        for same in zip(*members, strict=True)
    ]
    return _Frame(tuple(most), tuple(operations), min(low for low, _ in depths), max(high for _, high in depths))


def _extremes(space: Space) -> list[Architecture]:
    """The members of all first and of all last values: the deepest cells are among them."""
    fills = [{}, {p.name: p.value(p.count - 1) for p in space.parameters if p.count}]
    made = [space._bind(space._root.build(looked_up(fill))) for fill in fills]
    return [architecture for architecture in made if space._is_valid(architecture)]


def _depths(bare: _Bare) -> Iterator[tuple[int, int]]:
    """The fewest and the most operations on the way to each output."""
    ways: list[tuple[int, int] | None] = [(0, 0)] * bare.inputs
    for vertex in range(bare.inputs, len(bare.sources)):
        before = [way for source in bare.sources[vertex] if (way := ways[source]) is not None]
        own = int(vertex not in bare.outputs)
        ways.append((min(low for low, _ in before) + own, max(high for _, high in before) + own) if before else None)
    yield from (way for vertex in bare.outputs if (way := ways[vertex]) is not None)


def _bare_graphs(space: Space, architecture: object) -> list[_Bare]:
    return [_bare(graph) for graph in space.graphs(architecture)]


def _bare(graph: Graph) -> _Bare:
    """The graph without states, its operations on vertices."""
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
    return _Bare(len(inputs), tuple(labels), (*sources, *ends))


def _added(labels: list[str], sources: list[tuple[int, ...]], label: str, before: set[int]) -> int:
    """The number of a new operation vertex."""
    labels.append(label)
    sources.append(tuple(sorted(before)))
    return len(sources) - 1
