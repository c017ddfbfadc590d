"""`detnas`: the space of DetNAS (Chen et al. 2019, arXiv 1903.10979), backbones of ShuffleNetV2 blocks.

A backbone has stages of 4, 4, 8 and 4 blocks at the strides 4, 8, 16 and 32. A block has a kernel of 3, 5 or 7 pixels,
or is the xception block with three depthwise convolutions: 4^20 members, and no two of them compute the same.

    {"stage_1": {"block_1": "shuffle_5x5", ..}, .., "stage_4": {.., "block_4": "shuffle_xception"}}

The pyramid and the head are the same for all members; they are settings of the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces.catalogue.settings import check_names, check_numbers
from search_spaces.errors import SpaceError
from search_spaces.graphs.graph import Graph
from search_spaces.graphs.outline import chain_graph
from search_spaces.parameters import choice
from search_spaces.space import Space

__all__ = ["BLOCKS", "DEPTHS", "DetNASSpace", "space"]

BLOCKS = ("shuffle_3x3", "shuffle_5x5", "shuffle_7x7", "shuffle_xception")
DEPTHS = (4, 4, 8, 4)


class DetNASSpace(Space):
    """The backbones of DetNAS."""

    declared: dict[str, Any]

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw one row of blocks."""
        tree: Any = self.validate(architecture).tree
        drawn: list[tuple[str, str]] = []
        for stage, blocks in tree.items():
            drawn += [(f"{stage}.{name}", block.replace("_", " ")) for name, block in blocks.items()]
        return (chain_graph("backbone", drawn),)


def space(*, depths: Sequence[int] = DEPTHS, blocks: Sequence[str] = BLOCKS) -> DetNASSpace:
    """Make the space of the paper, or one of the same shape with fewer blocks.

    Args:
        depths: the number of blocks in each of the four stages.
        blocks: some of `BLOCKS`.

    Returns:
        The space.

    Raises:
        SpaceError: a setting has a wrong value.
    """
    check_names("blocks", blocks, BLOCKS)
    check_numbers("depths", depths, DEPTHS, whole=True)
    if len(depths) != len(DEPTHS):
        raise SpaceError(f"depths={depths!r}: there are {len(DEPTHS)} stages of at least one block; give {DEPTHS}")
    stages: dict[str, dict[str, object]] = {}
    for number, depth in enumerate(depths, 1):
        stages[f"stage_{number}"] = {f"block_{index}": choice(*blocks) for index in range(1, depth + 1)}
    return DetNASSpace(stages, name="detnas")
