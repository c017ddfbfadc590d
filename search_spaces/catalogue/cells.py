"""The base classes of the spaces of normal and reduction cells.

A cell is a small graph. Its inputs 0 and 1 are the outputs of the two cells before it; its nodes count from 2. A node
applies an operation to each of two earlier values, and adds the results. The output concatenates all nodes ("all"),
or those that no other node takes ("loose", the loose ends); a setting says which. Members share an id if their cells
are isomorphic.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from search_spaces.algebra.flat import Parameter
from search_spaces.architecture import Architecture, Json
from search_spaces.catalogue.genotype import INPUTS, CellEdges, Rules, read_genotype, write_genotype
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
    "CellEdges",
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
"""All operations of the families; the networks have a module for each."""
CONCATENATIONS = ("loose", "all")
"""The nodes that the output concatenates: those that no other node takes, or all of them."""


def loose_ends(cell: CellEdges) -> list[int]:
    """Find the nodes that no other node of the cell takes.

    Args:
        cell: the nodes of a cell.

    Returns:
        Their numbers, ascending; the first node is number 2.
    """
    used = set()
    for node in cell:
        for _, source in node:
            used.add(source)
    return [index for index in range(INPUTS, INPUTS + len(cell)) if index not in used]


def concatenated(cell: CellEdges, concat: str) -> list[int]:
    """Find the nodes that the output of a cell concatenates.

    Args:
        cell: the nodes of the cell.
        concat: "loose" or "all".

    Returns:
        Their numbers, ascending; the first node is number 2.
    """
    return loose_ends(cell) if concat == "loose" else list(range(INPUTS, INPUTS + len(cell)))


class CellSpace(Space):
    """A space of cells: `{"normal": .., "reduce": ..}`, or of one cell for both.

    A family defines the tree of a cell by `cell_of` and `tree_of`. The properties read the settings from the declared
    tree.
    """

    declared: dict[str, Any]
    distinct: ClassVar[bool]
    """Whether the two inputs of a node differ."""
    edge: ClassVar[str]
    """The path, in the tree of a cell, of the operation of its first edge."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The keys of the cells in the tree."""
        return tuple(key for key in self.declared if key != "concat")

    @property
    def nodes(self) -> int:
        """The number of nodes in a cell."""
        return len(self.declared[self.kinds[0]])

    @property
    def blocks(self) -> int:
        """The number of nodes in a cell, which `grow` increases."""
        return self.nodes

    def _crossing_unit(self, parameter: Parameter) -> str:
        """The node of a decision, such as `normal.node_3`: a crossover takes whole nodes."""
        return ".".join(parameter.name.split(".")[:2])

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations of an edge."""
        return tuple(str(name) for name in self._by_name[f"{self.kinds[0]}.{self.edge}"].choices or ())

    @property
    def concat(self) -> str:
        """The nodes that the output concatenates: "all" or "loose"."""
        raise NotImplementedError

    def cell_of(self, tree: Any) -> CellEdges:
        """Read a cell from its tree.

        Args:
            tree: the decided tree of one cell.

        Returns:
            Its nodes in their order, each with its two edges `(operation, input)`.
        """
        raise NotImplementedError

    def tree_of(self, cell: CellEdges) -> dict[str, Any]:
        """Write the tree of a cell; the inverse of `cell_of`.

        Args:
            cell: its nodes, each with two edges `(operation, input)`.

        Returns:
            The decided tree of the cell.
        """
        raise NotImplementedError

    def cells(self, architecture: object) -> dict[str, CellEdges]:
        """Read the cells of a member from its tree.

        Args:
            architecture: a member, or its tree.

        Returns:
            The nodes of each cell by its key in the tree, each node with its edges `(operation, input)`.

        Raises:
            ArchitectureError: it is not a member.
        """
        tree: Any = self.validate(architecture)._tree
        return {kind: self.cell_of(tree[kind]) for kind in self.kinds}

    def from_genotype(self, genotype: object) -> Architecture:
        """Make the member of a published genotype.

        Args:
            genotype: its text (see `search_spaces.catalogue.genotype`), a namedtuple, or a mapping of its fields.

        Returns:
            The member.

        Raises:
            ArchitectureError: the genotype breaks a rule; the message gives the line and column, or the place such as
                `normal[3]`.
        """
        return self.from_cells(read_genotype(genotype, self._rules()))

    def from_cells(self, cells: dict[str, CellEdges]) -> Architecture:
        """Make the member with these cells; the inverse of `to_cells`.

        Args:
            cells: the cells "normal" and "reduce", each a list of nodes of two edges `(operation, input)`.

        Returns:
            The member.

        Raises:
            ArchitectureError: the space has no such member.
        """
        trees = {kind: self.tree_of(cell) for kind, cell in self._from_both(cells).items()}
        constants = {"concat": self.concat} if "concat" in self.declared else {}
        return self.validate({**constants, **trees})

    def to_cells(self, architecture: object) -> Mapping[str, CellEdges]:
        """Read the normal and the reduction cell of a member.

        Args:
            architecture: a member, or its tree.

        Returns:
            The cells "normal" and "reduce"; in a space with one cell both are that cell.

        Raises:
            ArchitectureError: it is not a member.
        """
        return self._to_both(self.cells(architecture))

    def to_genotype(self, architecture: object) -> str:
        """Write a member as a genotype, which the `Genotype` namedtuple of the DARTS repository evaluates.

        Args:
            architecture: a member, or its tree.

        Returns:
            The genotype, one line of text.

        Raises:
            ArchitectureError: it is not a member.
        """
        cells = self.to_cells(architecture)
        return write_genotype(cells, {kind: concatenated(cell, self.concat) for kind, cell in cells.items()})

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw one graph a cell: operations on the edges, nodes that add, one output that concatenates."""
        cells = self.cells(architecture).items()
        return tuple(_edge_graph(kind, cell, concatenated(cell, self.concat)) for kind, cell in cells)

    def _rules(self) -> Rules:
        other = next(name for name in CONCATENATIONS if name != self.concat)
        remedy = "" if self.distinct else f", its setting is concat={self.concat!r}; there is concat={other!r}"
        concat = functools.partial(concatenated, concat=self.concat)
        return Rules(self.nodes, self.operations, concat, self.distinct, remedy, KNOWN_OPERATIONS)

    def _from_both(self, cells: dict[str, CellEdges]) -> Mapping[str, CellEdges]:
        """The cells of the space from the normal and the reduction cell."""
        return cells

    def _to_both(self, cells: dict[str, CellEdges]) -> Mapping[str, CellEdges]:
        """The normal and the reduction cell from the cells of the space."""
        return cells


class BlockSpace(CellSpace):
    """Cells of blocks: `{"block_2": {"left": {"input", "op"}, "right": {"input", "op"}}, ..}`.

    Args:
        name: the name of the family.
        blocks: the number of blocks in a cell, 1 to 20.
        operations: the operations of a block, from `KNOWN_OPERATIONS`.
        concat: the blocks that the output concatenates, "loose" or "all". A value other than the default of the family
            is in the tree as a constant.

    Raises:
        SpaceError: a setting has a wrong value.
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
        cell: dict[str, Any] = {}
        for index in range(INPUTS, INPUTS + blocks):
            side = {"input": choice(*range(index)), "op": choice(*known)}
            cell[f"block_{index}"] = {"left": side, "right": side}
        tree: dict[str, Any] = {} if concat == self.default_concat else {"concat": const(concat)}
        super().__init__({**tree, **dict.fromkeys(self.cell_kinds, cell)}, name=name, canonical=block_canonical)

    def resized(self, blocks: int) -> Self:
        """Make the space of the same operations and concatenation with another number of blocks a cell."""
        return type(self)(self.name or "", blocks, self.operations, self.concat)

    @property
    def concat(self) -> str:
        held = self.declared.get("concat")
        return self.default_concat if held is None else str(held.value)

    def cell_of(self, tree: Any) -> CellEdges:
        return _cell_of_blocks(tree)

    def tree_of(self, cell: CellEdges) -> dict[str, Any]:
        tree: dict[str, Any] = {}
        for index, node in enumerate(cell, INPUTS):
            sides = zip(("left", "right"), node, strict=True)
            tree[f"block_{index}"] = {side: {"input": source, "op": operation} for side, (operation, source) in sides}
        return tree

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw one graph a cell: operations and sums are vertices."""
        cells = self.cells(architecture).items()
        return tuple(_vertex_graph(kind, cell, concatenated(cell, self.concat)) for kind, cell in cells)


def block_canonical(architecture: Architecture) -> Json:
    """Compute the canonical form of cells of blocks.

    Args:
        architecture: a member of a `BlockSpace`.

    Returns:
        The isomorphic form of each cell by its key, with `concat` where the tree has it.
    """
    tree: Any = architecture._tree
    return {key: item if key == "concat" else isomorphic_form(_cell_of_blocks(item)) for key, item in tree.items()}


def _cell_of_blocks(tree: Any) -> CellEdges:
    found = []
    for block in tree.values():
        found.append([(side["op"], side["input"]) for side in (block["left"], block["right"])])
    return found


def check_count(name: str, value: object) -> None:
    """Check a number of nodes or blocks.

    Args:
        name: the setting, for the message: "nodes" or "blocks".
        value: the given value.

    Raises:
        SpaceError: it is not a whole number from 1 to 20.
    """
    if not is_whole(value, 1, 20):
        raise SpaceError(f"{name}={value!r}: a cell has a whole number of {name}, 1 to 20")


def _ends(concat: list[int]) -> tuple[list[Vertex], Vertex, list[Edge]]:
    """The inputs and the output of a cell, and the edges from its concatenated nodes to the output."""
    inputs = [Vertex("0", "c_{k-2}", "input"), Vertex("1", "c_{k-1}", "input")]
    return inputs, Vertex("output", "c_{k}", "output"), [Edge(str(node), "output") for node in concat]


def _edge_graph(kind: str, cell: CellEdges, concat: list[int]) -> Graph:
    inputs, output, last = _ends(concat)
    states = [Vertex(str(i), str(i), "state") for i, _ in enumerate(cell, INPUTS)]
    edges: list[Edge] = []
    for index, node in enumerate(cell, INPUTS):
        edges += [Edge(str(source), str(index), operation) for operation, source in node]
    return Graph(kind, (*inputs, *states, output), (*edges, *last))


def _vertex_graph(kind: str, cell: CellEdges, concat: list[int]) -> Graph:
    inputs, output, last = _ends(concat)
    vertices, edges = list(inputs), []
    for index, node in enumerate(cell, INPUTS):
        for side, (operation, source) in zip(("left", "right"), node, strict=True):
            name = f"{index}.{side}"
            vertices.append(Vertex(name, operation, "operation"))
            edges += [Edge(str(source), name), Edge(name, str(index))]
        vertices.append(Vertex(str(index), "add", "state"))
    return Graph(kind, (*vertices, output), (*edges, *last))
