"""Spaces of cells: what the families of normal and reduction cells share.

A cell is a small graph: inputs 0 and 1 are the outputs of the two cells before it, nodes count from 2, and each
adds two earlier values, each after an operation. Its output concatenates nodes: all of them ("all"), or those
that no other node of the cell takes ("loose", the loose ends), which is derived and no decision. Members share an id
when their cells are isomorphic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from search_spaces.algebra.flat import Parameter
from search_spaces.architecture import Architecture, Json
from search_spaces.catalogue.genotype import INPUTS, Cell, Rules, read_genotype, write_genotype
from search_spaces.catalogue.isomorphism import isomorphic_form
from search_spaces.catalogue.settings import check_operations
from search_spaces.errors import SpaceError
from search_spaces.graphs.graph import Edge, Graph, Vertex
from search_spaces.parameters import choice, const
from search_spaces.space import Space
from search_spaces.whole_numbers import is_whole

__all__ = [
    "CONCATENATIONS",
    "KNOWN_OPERATIONS",
    "BlockSpace",
    "Cell",
    "CellSpace",
    "block_canonical",
    "check_count",
    "concatenated",
    "loose_ends",
]

KNOWN_OPERATIONS = (
    "skip_connect",
    "conv_1x1",
    "conv_3x3",
    "conv_3x1_1x3",
    "conv_7x1_1x7",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
    "dil_conv_3x3",
    "dil_conv_5x5",
    "avg_pool_3x3",
    "max_pool_3x3",
    "max_pool_5x5",
    "max_pool_7x7",
)
"""Every operation of the families; the networks know them all."""
CONCATENATIONS = ("loose", "all")


def loose_ends(cell: Cell) -> list[int]:
    """The nodes that no other node takes, ascending."""
    used = {source for node in cell for _, source in node}
    return [index for index in range(INPUTS, INPUTS + len(cell)) if index not in used]


def concatenated(cell: Cell, concat: str) -> list[int]:
    """The nodes that make the output of a cell."""
    return loose_ends(cell) if concat == "loose" else list(range(INPUTS, INPUTS + len(cell)))


class CellSpace(Space):
    """A space of cells: `{"normal": .., "reduce": ..}`, or of one cell for both.

    A family says how the tree of a cell is made, and what its settings were, from the tree that it declared.
    """

    declared: dict[str, Any]
    distinct: ClassVar[bool]
    """Whether the two inputs of a node differ."""
    edge: ClassVar[str]
    """Where in the tree of a cell the operation of its first edge stands."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The keys of the cells in the tree."""
        return tuple(key for key in self.declared if key != "concat")

    @property
    def nodes(self) -> int:
        """How many nodes a cell has."""
        return len(self.declared[self.kinds[0]])

    @property
    def blocks(self) -> int:
        """As `nodes`: what `grow` adds to."""
        return self.nodes

    def _crossing_unit(self, parameter: Parameter) -> str:
        """The node of the cell that a decision belongs to, such as `normal.node_3`: nodes cross whole."""
        return ".".join(parameter.name.split(".")[:2])

    @property
    def operations(self) -> tuple[str, ...]:
        """What may stand on an edge."""
        return tuple(str(name) for name in self._by_name[f"{self.kinds[0]}.{self.edge}"].choices or ())

    @property
    def concat(self) -> str:
        """Which nodes make the output: "all" or "loose"."""
        raise NotImplementedError

    def cell_of(self, tree: Any) -> Cell:
        """The nodes of the cell with this tree."""
        raise NotImplementedError

    def tree_of(self, cell: Cell) -> dict[str, Any]:
        """The tree of a cell with these nodes."""
        raise NotImplementedError

    def cells(self, architecture: object) -> dict[str, Cell]:
        """The cells of a member by kind, each a list of nodes, each a list of `(operation, input)`."""
        tree: Any = self.validate(architecture)._tree
        return {kind: self.cell_of(tree[kind]) for kind in self.kinds}

    def from_genotype(self, genotype: object) -> Architecture:
        """The member of a published genotype: its text (see `search_spaces.catalogue.genotype`), or a namedtuple.

        `ArchitectureError` says where it breaks: line and column, or the place such as `normal[3]`.
        """
        return self.from_cells(read_genotype(genotype, self._rules()))

    def from_cells(self, cells: dict[str, Cell]) -> Architecture:
        """The member with these cells, `normal` and `reduce`, as `to_cells` gives them."""
        trees = {kind: self.tree_of(cell) for kind, cell in self._from_both(cells).items()}
        return self.validate({**self._fixed(), **trees})

    def to_cells(self, architecture: object) -> Mapping[str, Cell]:
        """The cells `normal` and `reduce` of a member; of a space with one cell, that cell twice."""
        return self._to_both(self.cells(architecture))

    def to_genotype(self, architecture: object) -> str:
        """The text of a member, which the `Genotype` namedtuple of the DARTS repository evaluates."""
        cells = self.to_cells(architecture)
        return write_genotype(cells, {kind: concatenated(cell, self.concat) for kind, cell in cells.items()})

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """One graph a cell: operations on the edges, nodes that add, one output that concatenates."""
        cells = self.cells(architecture).items()
        return tuple(_edge_graph(kind, cell, concatenated(cell, self.concat)) for kind, cell in cells)

    def _rules(self) -> Rules:
        other = next(name for name in CONCATENATIONS if name != self.concat)
        remedy = "" if self.distinct else f", its setting is concat={self.concat!r}; there is concat={other!r}"
        return Rules(self.nodes, self.operations, self._concatenated, self.distinct, remedy, KNOWN_OPERATIONS)

    def _concatenated(self, cell: Cell) -> list[int]:
        return concatenated(cell, self.concat)

    def _fixed(self) -> dict[str, Any]:
        return {"concat": self.concat} if "concat" in self.declared else {}

    def _from_both(self, cells: dict[str, Cell]) -> Mapping[str, Cell]:
        """The cells of the space from the normal and the reduction cell."""
        return cells

    def _to_both(self, cells: dict[str, Cell]) -> Mapping[str, Cell]:
        return cells


class BlockSpace(CellSpace):
    """Cells of blocks, `{"block_2": {"left": {"input", "op"}, "right": {"input", "op"}}, ..}`, loose ends by default.

    `blocks` a cell, `operations` to choose from, `concat` of "loose" ends or "all" blocks (where it is not the
    family's own, it stands in the tree).
    """

    distinct = False
    edge = "block_2.left.op"
    default_concat: ClassVar[str] = "loose"
    cell_kinds: ClassVar[tuple[str, ...]] = ("normal", "reduce")

    def __init__(self, name: str, blocks: int, operations: Sequence[str], concat: str) -> None:
        check_count("blocks", blocks)
        known = check_operations(operations, KNOWN_OPERATIONS)
        if concat not in CONCATENATIONS:
            raise SpaceError(f"concat={concat!r}: it is one of {', '.join(CONCATENATIONS)}")
        cell = {f"block_{i}": _block(i, known) for i in range(INPUTS, INPUTS + blocks)}
        tree: dict[str, Any] = {} if concat == self.default_concat else {"concat": const(concat)}
        super().__init__({**tree, **dict.fromkeys(self.cell_kinds, cell)}, name=name, canonical=block_canonical)

    def resized(self, blocks: int) -> Self:
        """The same space with so many blocks a cell."""
        return type(self)(self.name or "", blocks, self.operations, self.concat)

    @property
    def concat(self) -> str:
        held = self.declared.get("concat")
        return self.default_concat if held is None else str(held.value)

    def cell_of(self, tree: Any) -> Cell:
        return _cell_of_blocks(tree)

    def tree_of(self, cell: Cell) -> dict[str, Any]:
        return {f"block_{i}": _sides(node) for i, node in enumerate(cell, INPUTS)}

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """One graph a cell: operations and sums are vertices."""
        cells = self.cells(architecture).items()
        return tuple(_vertex_graph(kind, cell, concatenated(cell, self.concat)) for kind, cell in cells)


def block_canonical(architecture: Architecture) -> Json:
    """The cells of blocks in their isomorphic form."""
    tree: Any = architecture._tree
    return {key: item if key == "concat" else isomorphic_form(_cell_of_blocks(item)) for key, item in tree.items()}


def _cell_of_blocks(tree: Any) -> Cell:
    return [[(side["op"], side["input"]) for side in (block["left"], block["right"])] for block in tree.values()]


def _block(index: int, operations: tuple[str, ...]) -> dict[str, Any]:
    side = {"input": choice(*range(index)), "op": choice(*operations)}
    return {"left": side, "right": side}


def _sides(node: list[tuple[str, int]]) -> dict[str, Any]:
    return {
        side: {"input": source, "op": operation}
        for side, (operation, source) in zip(("left", "right"), node, strict=True)
    }


def check_count(name: str, value: object) -> None:
    """Refuse a number of nodes or blocks that is not 1 or more."""
    if not is_whole(value, 1, 20):
        raise SpaceError(f"{name}={value!r}: a cell has a whole number of {name}, 1 to 20")


def _ends(cell: Cell, concat: list[int]) -> tuple[list[Vertex], Vertex, list[Edge]]:
    inputs = [Vertex("0", "c_{k-2}", "input"), Vertex("1", "c_{k-1}", "input")]
    return inputs, Vertex("output", "c_{k}", "output"), [Edge(str(node), "output") for node in concat]


def _edge_graph(kind: str, cell: Cell, concat: list[int]) -> Graph:
    inputs, output, last = _ends(cell, concat)
    states = [Vertex(str(i), str(i), "state") for i, _ in enumerate(cell, INPUTS)]
    edges = [Edge(str(source), str(i), operation) for i, node in enumerate(cell, INPUTS) for operation, source in node]
    return Graph(kind, (*inputs, *states, output), (*edges, *last))


def _vertex_graph(kind: str, cell: Cell, concat: list[int]) -> Graph:
    inputs, output, last = _ends(cell, concat)
    vertices, edges = list(inputs), []
    for index, node in enumerate(cell, INPUTS):
        for side, (operation, source) in zip(("left", "right"), node, strict=True):
            name = f"{index}.{side}"
            vertices.append(Vertex(name, operation, "operation"))
            edges += [Edge(str(source), name), Edge(name, str(index))]
        vertices.append(Vertex(str(index), "add", "state"))
    return Graph(kind, (*vertices, output), (*edges, *last))
