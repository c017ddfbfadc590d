"""`pnas`: the cell of Progressive NAS (Liu et al. 2018, 1712.00559), one for both strides.

The cell has five blocks: `{"cell": {"block_2": ..}}`. A block applies one of 8 operations to each of two earlier
values, and adds the results. The same cell, with stride 2, is the reduction cell. The output concatenates all blocks,
as in the authors' PNASNet-5, also those that another block takes; `concat="loose"` concatenates the loose ends only.
The search starts from `blocks=1` and grows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search_spaces.catalogue.cells import BlockSpace
from search_spaces.catalogue.genotype import CellEdges
from search_spaces.catalogue.isomorphism import isomorphic_form
from search_spaces.errors import ArchitectureError

__all__ = ["OPERATIONS", "PNASSpace", "space"]

OPERATIONS = (
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
    "conv_7x1_1x7",
    "dil_conv_3x3",
    "avg_pool_3x3",
    "max_pool_3x3",
)


class PNASSpace(BlockSpace):
    """One cell of blocks for both strides, all blocks concatenated by default.

    A genotype has the cell twice, as `normal` and as `reduce`.
    """

    default_concat = "all"
    cell_kinds = ("cell",)

    def _from_both(self, cells: dict[str, CellEdges]) -> Mapping[str, CellEdges]:
        if isomorphic_form(cells["normal"]) != isomorphic_form(cells["reduce"]):
            raise ArchitectureError("reduce", "it differs from normal; this space has one cell for both strides")
        return {"cell": cells["normal"]}

    def _to_both(self, cells: dict[str, CellEdges]) -> Mapping[str, CellEdges]:
        return {"normal": cells["cell"], "reduce": cells["cell"]}


def space(blocks: int = 5, operations: Sequence[str] = OPERATIONS, concat: str = "all") -> PNASSpace:
    """Make the space of the paper, or one with other settings.

    Args:
        blocks: the number of blocks in a cell, 1 to 20.
        operations: the operations of a block, from `cells.KNOWN_OPERATIONS`.
        concat: the blocks that the output concatenates: "all", or "loose" (those that no other block takes).

    Returns:
        The space.

    Raises:
        SpaceError: a setting has a wrong value.
    """
    return PNASSpace("pnas", blocks, operations, concat)
