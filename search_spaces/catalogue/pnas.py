"""`pnas`: the cell of Progressive NAS (Liu et al. 2018, 1712.00559), one for both strides.

A cell has five blocks. A block adds two of the values before it, each through one of 8 operations:
`{"cell": {"block_2": ..}}`. The cell replaces both the normal cell of other spaces and, with stride 2, the reduction
cell. The output concatenates all blocks, as in the authors' PNASNet-5, also those that other blocks use;
`concat="loose"` takes the loose ends only. The search of the paper starts with `blocks=1`, and adds blocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search_spaces.catalogue.cells import BlockSpace
from search_spaces.catalogue.genotype import Cell
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
    """One cell of blocks, all of them concatenated by default. A genotype has it twice."""

    default_concat = "all"
    cell_kinds = ("cell",)

    def _from_both(self, cells: dict[str, Cell]) -> Mapping[str, Cell]:
        if isomorphic_form(cells["normal"]) != isomorphic_form(cells["reduce"]):
            raise ArchitectureError("reduce", "it differs from normal; this space has one cell for both strides")
        return {"cell": cells["normal"]}

    def _to_both(self, cells: dict[str, Cell]) -> Mapping[str, Cell]:
        return {"normal": cells["cell"], "reduce": cells["cell"]}


def space(blocks: int = 5, operations: Sequence[str] = OPERATIONS, concat: str = "all") -> PNASSpace:
    """Make the space of the paper, or one with other settings (see `BlockSpace`).

    Args:
        blocks: their number in the cell.
        operations: all of `OPERATIONS`, or some of them.
        concat: the concatenated blocks: "all", or the "loose" ends.

    Returns:
        The space.
    """
    return PNASSpace("pnas", blocks, operations, concat)
