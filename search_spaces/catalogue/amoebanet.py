"""`amoebanet`: the cells of AmoebaNet (Real, Aggarwal, Huang and Le 2019, 1802.01548), normal and reduction.

A cell has five blocks, as in NASNet. A block applies one of 8 operations to each of two earlier values, and adds the
results. The output concatenates the loose ends.
"""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.catalogue.cells import BlockSpace

__all__ = ["OPERATIONS", "space"]

OPERATIONS = (
    "skip_connect",
    "sep_conv_3x3",
    "sep_conv_5x5",
    "sep_conv_7x7",
    "avg_pool_3x3",
    "max_pool_3x3",
    "dil_conv_3x3",
    "conv_7x1_1x7",
)


def space(blocks: int = 5, operations: Sequence[str] = OPERATIONS, concat: str = "loose") -> BlockSpace:
    """Make the space of the paper, or one with other settings.

    Args:
        blocks: the number of blocks in a cell, 1 to 20.
        operations: the operations of a block, from `cells.KNOWN_OPERATIONS`.
        concat: the blocks that the output concatenates: "loose" (those that no other block takes) or "all".

    Returns:
        The space.

    Raises:
        SpaceError: a setting has a wrong value.
    """
    return BlockSpace("amoebanet", blocks, operations, concat)
