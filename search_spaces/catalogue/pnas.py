"""`pnas`: the cell of Progressive NAS (Liu et al. 2018, 1712.00559), one for both strides.

Five blocks, each adding two of the values before it, each through one of 8 operations: `{"cell": {"block_2":
..}}`. The one cell stands where others have a normal cell, and with stride 2 where they reduce. The output
concatenates all blocks, as in the authors' PNASNet-5, where a block is concatenated and used by another too;
`concat="loose"` takes the loose ends only. The search starts from `blocks=1` and grows.
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
    """One cell of blocks, all of them concatenated by default; a genotype says it twice."""

    default_concat = "all"
    cell_kinds = ("cell",)

    def _from_both(self, cells: dict[str, Cell]) -> Mapping[str, Cell]:
        if isomorphic_form(cells["normal"]) != isomorphic_form(cells["reduce"]):
            raise ArchitectureError("reduce", "it differs from normal; this space has one cell for both strides")
        return {"cell": cells["normal"]}

    def _to_both(self, cells: dict[str, Cell]) -> Mapping[str, Cell]:
        return {"normal": cells["cell"], "reduce": cells["cell"]}


def space(blocks: int = 5, operations: Sequence[str] = OPERATIONS, concat: str = "all") -> PNASSpace:
    """The space of the paper; or with other settings, see `BlockSpace`."""
    return PNASSpace("pnas", blocks, operations, concat)
