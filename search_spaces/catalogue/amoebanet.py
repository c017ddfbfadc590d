"""`amoebanet`: the cells of AmoebaNet (Real, Aggarwal, Huang and Le 2019, 1802.01548), normal and reduction.

Five blocks a cell as in NASNet, each adding two of the values before it, each through one of 8 operations; the
output concatenates the loose ends.
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
    """The space of the paper; or with other settings, see `BlockSpace`."""
    return BlockSpace("amoebanet", blocks, operations, concat)
