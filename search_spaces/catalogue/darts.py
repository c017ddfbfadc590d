"""`darts`: the cells of DARTS (Liu, Simonyan and Yang 2019, 1806.09055), a normal and a reduction cell.

A cell has four nodes. A node is the sum of two edges from two different earlier values, and an edge is one of seven
operations (the eighth, `none`, is a candidate of the supernet only). The output concatenates all nodes:

    {"normal": {"node_2": [{"input_0": "sep_conv_3x3"}, {"input_1": "skip_connect"}], ..}, "reduce": {..}}

There are (180 * 7^8)^2 members. GDAS, PC-DARTS, P-DARTS, SNAS and many more search the same space.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces.architecture import Architecture, Json
from search_spaces.catalogue.cells import KNOWN_OPERATIONS, CellSpace, check_count
from search_spaces.catalogue.genotype import INPUTS, Cell
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
    """Cells of nodes, each a subset of two of the edges from earlier values.

    Args:
        nodes: their number in a cell.
        operations: the options of an edge.

    Raises:
        SpaceError: a setting is not valid.
    """

    distinct = True
    edge = "node_2.input_0"

    def __init__(self, nodes: int = 4, operations: Sequence[str] = OPERATIONS) -> None:
        check_count("nodes", nodes)
        edge = choice(*check_operations(operations, KNOWN_OPERATIONS))
        cell = {
            f"node_{node}": subset({f"input_{source}": edge for source in range(node)}, 2)
            for node in range(INPUTS, INPUTS + nodes)
        }
        super().__init__({"normal": cell, "reduce": cell}, name="darts", canonical=canonical)

    def resized(self, blocks: int) -> DartsSpace:
        """The same space with another number of nodes in a cell."""
        return DartsSpace(blocks, self.operations)

    @property
    def concat(self) -> str:
        return "all"

    def cell_of(self, tree: Any) -> Cell:
        return _cell_of(tree)

    def tree_of(self, cell: Cell) -> dict[str, Any]:
        return {
            f"node_{index}": [{f"input_{source}": operation} for operation, source in node]
            for index, node in enumerate(cell, INPUTS)
        }


def canonical(architecture: Architecture) -> Json:
    """Compute the canonical form. Nodes may be renumbered, since all of them are concatenated.

    Args:
        architecture: a member.

    Returns:
        The two cells in their isomorphic form.
    """
    tree: Any = architecture._tree
    return [isomorphic_form(_cell_of(tree["normal"])), isomorphic_form(_cell_of(tree["reduce"]))]


def _cell_of(tree: Any) -> Cell:
    return [
        [(operation, int(name[6:])) for edge in edges for name, operation in edge.items()] for edges in tree.values()
    ]


def space(nodes: int = 4, operations: Sequence[str] = OPERATIONS) -> DartsSpace:
    """Make the space of the paper, or one with other settings.

    Args:
        nodes: their number in a cell.
        operations: the options of an edge.

    Returns:
        The space.

    Raises:
        SpaceError: a setting is not valid.
    """
    return DartsSpace(nodes, operations)
