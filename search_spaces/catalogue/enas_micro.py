"""`enas_micro`: the micro space of ENAS (Pham, Guan, Zoph, Le and Dean 2018, 1802.03268), normal and reduction.

Five blocks a cell, each adding two of the values before it, each through one of 5 operations; the output
concatenates the loose ends. Repositories that build on DARTS print the paper's cells with all blocks
concatenated: `get("enas_micro", concat="all")` reads those.
"""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.catalogue.cells import BlockSpace

__all__ = ["OPERATIONS", "space"]

OPERATIONS = ("skip_connect", "sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3")


def space(blocks: int = 5, operations: Sequence[str] = OPERATIONS, concat: str = "loose") -> BlockSpace:
    """The space of the paper; or with other settings, see `BlockSpace`."""
    return BlockSpace("enas_micro", blocks, operations, concat)
