"""`nasnet`: the cells of NASNet (Zoph, Vasudevan, Shlens and Le 2018, 1707.07012), normal and reduction.

Five blocks a cell; a block takes two of the values before it, each through one of 13 operations, and adds them;
the output concatenates the loose ends. Adding is what the search of the paper always chose; the choice to
concatenate inside a block is left out, as in the work that followed.
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
    """The space of the paper; or with other settings, see `BlockSpace`."""
    return BlockSpace("nasnet", blocks, operations, concat)
