"""`darts`: the cells of DARTS (Liu, Simonyan and Yang 2019, 1806.09055), a normal and a reduction cell.

A cell has four nodes. A node adds two edges from two different earlier values; each edge is one of seven operations
(the eighth, `none`, is a candidate of the supernet only). The output concatenates all nodes:

    {"normal": {"node_2": [{"input_0": "sep_conv_3x3"}, {"input_1": "skip_connect"}], ..}, "reduce": {..}}

There are (180 * 7^8)^2 members. GDAS, PC-DARTS, P-DARTS, SNAS and many more search the same space.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces.architecture import Architecture, Json
from search_spaces.catalogue.cells import KNOWN_OPERATIONS, CellSpace, check_count
from search_spaces.catalogue.genotype import INPUTS, CellEdges
from search_spaces.catalogue.isomorphism import isomorphic_form
from search_spaces.catalogue.settings import check_operations
from search_spaces.parameters import choice, subset

__all__ = ["OPERATIONS", "DartsSpace", "canonical", "space"]

OPERATIONS = (
    "max_pool_3x3",
    "avg_pool_3x3",
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "dil_conv_3x3",
    "dil_conv_5x5",
)


class DartsSpace(CellSpace):
    """Cells of nodes; each node takes two of the edges from earlier values.

    Args:
        nodes: the number of nodes in a cell, 1 to 20.
        operations: the operations of an edge, from `cells.KNOWN_OPERATIONS`.

    Raises:
        SpaceError: a setting has a wrong value.
    """

    distinct = True
    edge = "node_2.input_0"

    def __init__(self, nodes: int = 4, operations: Sequence[str] = OPERATIONS) -> None:
        check_count("nodes", nodes)
        edge = choice(*check_operations(operations, KNOWN_OPERATIONS))
        cell = {}
        for node in range(INPUTS, INPUTS + nodes):
            cell[f"node_{node}"] = subset({f"input_{source}": edge for source in range(node)}, 2)
        super().__init__({"normal": cell, "reduce": cell}, name="darts", canonical=canonical)

    def resized(self, blocks: int) -> DartsSpace:
        """Make the space of the same operations with another number of nodes a cell."""
        return DartsSpace(blocks, self.operations)

    @property
    def concat(self) -> str:
        return "all"

    def cell_of(self, tree: Any) -> CellEdges:
        return _cell_of(tree)

    def tree_of(self, cell: CellEdges) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for index, node in enumerate(cell, INPUTS):
            found[f"node_{index}"] = [{f"input_{source}": operation} for operation, source in node]
        return found


def canonical(architecture: Architecture) -> Json:
    """Compute the canonical form: nodes may be renumbered, since the output concatenates all of them.

    Args:
        architecture: a member of a `DartsSpace`.

    Returns:
        The isomorphic forms of the normal and the reduction cell.
    """
    tree: Any = architecture._tree
    return [isomorphic_form(_cell_of(tree["normal"])), isomorphic_form(_cell_of(tree["reduce"]))]


def _cell_of(tree: Any) -> CellEdges:
    cell: CellEdges = []
    for edges in tree.values():
        node: list[tuple[str, int]] = []
        for edge in edges:
            node += [(operation, int(name.removeprefix("input_"))) for name, operation in edge.items()]
        cell.append(node)
    return cell


def space(nodes: int = 4, operations: Sequence[str] = OPERATIONS) -> DartsSpace:
    """Make the space of the paper, or one of another size or with other operations.

    Args:
        nodes: the number of nodes in a cell, 1 to 20.
        operations: the operations of an edge, from `cells.KNOWN_OPERATIONS`.

    Returns:
        The space.

    Raises:
        SpaceError: a setting has a wrong value.
    """
    return DartsSpace(nodes, operations)
