"""`nasnet`: the cells of NASNet (Zoph, Vasudevan, Shlens and Le 2018, 1707.07012), normal and reduction.

A cell has five blocks. A block takes two of the values before it, each through one of 13 operations, and adds them. The
output concatenates the loose ends. In the paper a block may also concatenate its two values; this option is left out,
since the paper's search always chose to add, and later work leaves it out too.
"""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.catalogue.cells import BlockSpace

__all__ = ["OPERATIONS", "space"]

OPERATIONS = (
    "skip_connect",
    "conv_3x1_1x3",
    "conv_7x1_1x7",
    "dil_conv_3x3",
    "avg_pool_3x3",
    "max_pool_3x3",
    "max_pool_5x5",
    "max_pool_7x7",
    "conv_1x1",
    "conv_3x3",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
)


def space(blocks: int = 5, operations: Sequence[str] = OPERATIONS, concat: str = "loose") -> BlockSpace:
    """Make the space of the paper, or one with other settings (see `BlockSpace`).

    Args:
        blocks: their number in each cell.
        operations: all of `OPERATIONS`, or some of them.
        concat: the concatenated blocks: the "loose" ends, or "all".

    Returns:
        The space.
    """
    return BlockSpace("nasnet", blocks, operations, concat)
