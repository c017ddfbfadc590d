"""Spaces of cells: the base of the families of normal and reduction cells.

A cell is a small graph. Inputs 0 and 1 are the outputs of the two cells before it. Nodes count from 2, and a node adds
two earlier values, each after an operation. The output concatenates all nodes ("all"), or those that no other node
takes ("loose", the loose ends). It follows from the other decisions. Members share an id when their cells are
isomorphic.
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
"""All operations of the families, for which the networks have modules."""
CONCATENATIONS = ("loose", "all")


def loose_ends(cell: Cell) -> list[int]:
    """Find the nodes that no other node takes.

    Args:
        cell: the nodes.

    Returns:
        Their numbers, ascending.
    """
    used = {source for node in cell for _, source in node}
    return [index for index in range(INPUTS, INPUTS + len(cell)) if index not in used]


def concatenated(cell: Cell, concat: str) -> list[int]:
    """Find the nodes that the output of a cell concatenates.

    Args:
        cell: the nodes.
        concat: "loose" or "all".

    Returns:
        Their numbers, ascending.
    """
    return loose_ends(cell) if concat == "loose" else list(range(INPUTS, INPUTS + len(cell)))


class CellSpace(Space):
    """A space of cells: `{"normal": .., "reduce": ..}`, or of one cell for both.

    A family defines the tree of a cell. Properties read its settings from the tree that it declared.
    """

    declared: dict[str, Any]
    distinct: ClassVar[bool]
    """Whether the two inputs of a node differ."""
    edge: ClassVar[str]
    """The dotted name, in the tree of a cell, of the operation of its first edge."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The keys of the cells in the tree."""
        return tuple(key for key in self.declared if key != "concat")

    @property
    def nodes(self) -> int:
        """The number of nodes of a cell."""
        return len(self.declared[self.kinds[0]])

    @property
    def blocks(self) -> int:
        """The same number as `nodes`, which `grow` increases."""
        return self.nodes

    def _crossing_unit(self, parameter: Parameter) -> str:
        """The node of a decision, such as `normal.node_3`: a crossover takes whole nodes."""
        return ".".join(parameter.name.split(".")[:2])

    @property
    def operations(self) -> tuple[str, ...]:
        """The options of an edge."""
        return tuple(str(name) for name in self._by_name[f"{self.kinds[0]}.{self.edge}"].choices or ())

    @property
    def concat(self) -> str:
        """The concatenated nodes: "all" or "loose"."""
        raise NotImplementedError

    def cell_of(self, tree: Any) -> Cell:
        """Read a cell.

        Args:
            tree: of the cell.

        Returns:
            Its nodes.
        """
        raise NotImplementedError

    def tree_of(self, cell: Cell) -> dict[str, Any]:
        """Write a cell.

        Args:
            cell: its nodes.

        Returns:
            The tree of the cell.
        """
        raise NotImplementedError

    def cells(self, architecture: object) -> dict[str, Cell]:
        """Read the cells of a member.

        Args:
            architecture: a member.

        Returns:
            By kind a list of nodes, each a list of `(operation, input)`.
        """
        tree: Any = self.validate(architecture)._tree
        return {kind: self.cell_of(tree[kind]) for kind in self.kinds}

    def from_genotype(self, genotype: object) -> Architecture:
        """Read a published genotype.

        Args:
            genotype: its text (see `search_spaces.catalogue.genotype`), the namedtuple, or a mapping.

        Returns:
            The member.

        Raises:
            ArchitectureError: the genotype breaks a rule; the message has line and column, or a place such as
                `normal[3]`.
        """
        return self.from_cells(read_genotype(genotype, self._rules()))

    def from_cells(self, cells: dict[str, Cell]) -> Architecture:
        """Make the member with given cells.

        Args:
            cells: `normal` and `reduce`, as from `to_cells`.

        Returns:
            The member.
        """
        trees = {kind: self.tree_of(cell) for kind, cell in self._from_both(cells).items()}
        return self.validate({**self._fixed(), **trees})

    def to_cells(self, architecture: object) -> Mapping[str, Cell]:
        """Read the cells `normal` and `reduce` of a member; in a space with one cell, that cell twice.

        Args:
            architecture: a member.

        Returns:
            The cells by kind.
        """
        return self._to_both(self.cells(architecture))

    def to_genotype(self, architecture: object) -> str:
        """Write a genotype for the `Genotype` namedtuple of the DARTS repository.

        Args:
            architecture: a member.

        Returns:
            The text.
        """
        cells = self.to_cells(architecture)
        return write_genotype(cells, {kind: concatenated(cell, self.concat) for kind, cell in cells.items()})

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw one graph for each cell: operations on the edges, nodes that add, one output that concatenates."""
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

    Args:
        name: of the space.
        blocks: their number in a cell.
        operations: the options of each side of a block.
        concat: the concatenated blocks: the "loose" ends, or "all". The tree has a setting that is not the family's
            default.

    Raises:
        SpaceError: a setting is not valid.
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
        """The same space with another number of blocks in a cell."""
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
        """Draw one graph for each cell: operations and sums are vertices."""
        cells = self.cells(architecture).items()
        return tuple(_vertex_graph(kind, cell, concatenated(cell, self.concat)) for kind, cell in cells)


def block_canonical(architecture: Architecture) -> Json:
    """Compute the canonical form of cells of blocks.

    Args:
        architecture: a member.

    Returns:
        The cells in their isomorphic form.
    """
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
    """Check a number of nodes or blocks.

    Args:
        name: of the setting, for the error.
        value: the number.

    Raises:
        SpaceError: it is not a whole number from 1 to 20.
    """
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
