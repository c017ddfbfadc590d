"""`proxylessnas`: the space of ProxylessNAS (Cai et al. 2019, arXiv 1812.00332), 21 blocks in six stages.

A block is one of six inverted residuals, `mbconv<expansion>_<kernel>x<kernel>`: expansion 3 or 6, kernel 3, 5 or 7.
All blocks of a stage but the first keep the shape of their input and have a shortcut around them; they may be `zero`
instead, so that only the shortcut is left. In this way the depth is decided. With stages of 4, 4, 4, 4, 4 and 1 blocks
there are 6^6 * 7^15 trees:

    {"stage_1": {"block_1": "mbconv3_5x5", "block_2": "zero", ..}, .., "stage_6": {"block_1": "mbconv6_7x7"}}

A zero passes its input on, at any place in its stage, so the canonical form leaves it out: 6^6 * (1 + 6 + 36 + 216)^5
members are different networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces.architecture import Architecture, Json
from search_spaces.catalogue.mobilenetv3 import check_kernels
from search_spaces.catalogue.settings import check_numbers
from search_spaces.errors import SpaceError
from search_spaces.graphs.graph import Graph
from search_spaces.graphs.outline import chain_graph
from search_spaces.parameters import choice
from search_spaces.space import Space

__all__ = ["BLOCKS", "EXPANSIONS", "KERNELS", "ZERO", "ProxylessNASSpace", "canonical", "operations", "space"]

BLOCKS = (4, 4, 4, 4, 4, 1)
KERNELS = (3, 5, 7)
EXPANSIONS = (3, 6)
ZERO = "zero"


def canonical(architecture: Architecture) -> Json:
    """Compute the canonical form: the blocks of each stage that are not zero, in their order.

    Args:
        architecture: a member of the space.

    Returns:
        The names of the blocks by stage.
    """
    tree: Any = architecture._tree
    found: dict[str, Json] = {}
    for stage, blocks in tree.items():
        found[stage] = [block for block in blocks.values() if block != ZERO]
    return found


def operations(kernels: Sequence[int] = KERNELS, expansions: Sequence[int] = EXPANSIONS) -> tuple[str, ...]:
    """Name the inverted residual blocks; the expansion changes fastest.

    Args:
        kernels: the sizes of the depthwise convolutions, in pixels.
        expansions: the factors by which a block expands its channels.

    Returns:
        The names, `mbconv<expansion>_<kernel>x<kernel>`.
    """
    return tuple(f"mbconv{expansion}_{kernel}x{kernel}" for kernel in kernels for expansion in expansions)


class ProxylessNASSpace(Space):
    """The networks of ProxylessNAS."""

    declared: dict[str, Any]

    @property
    def depths(self) -> dict[str, int]:
        """The number of blocks of each stage, zeros included."""
        return {stage: len(blocks) for stage, blocks in self.declared.items()}

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw one row of blocks, a vertex for each block that is not zero."""
        tree: Any = self.validate(architecture).tree
        drawn: list[tuple[str, str]] = []
        for stage, blocks in tree.items():
            drawn += [(f"{stage}.{name}", block.replace("_", " ")) for name, block in blocks.items() if block != ZERO]
        return (chain_graph("network", drawn),)


def space(
    *, blocks: Sequence[int] = BLOCKS, kernels: Sequence[int] = KERNELS, expansions: Sequence[int] = EXPANSIONS
) -> ProxylessNASSpace:
    """Make the space of the paper, or one of the same shape with other options.

    Args:
        blocks: the number of blocks in each of the six stages.
        kernels: the sizes of the depthwise convolutions, in pixels, odd.
        expansions: the factors by which a block expands its channels.

    Returns:
        The space.

    Raises:
        SpaceError: a setting has a wrong value.
    """
    check_kernels(kernels)
    check_numbers("expansions", expansions, EXPANSIONS, whole=True)
    check_numbers("blocks", blocks, BLOCKS, whole=True)
    if len(blocks) != len(BLOCKS):
        raise SpaceError(f"blocks={blocks!r}: there are {len(BLOCKS)} stages of at least one block; give {BLOCKS}")
    found = operations(kernels, expansions)
    stages: dict[str, dict[str, object]] = {}
    for stage, count in enumerate(blocks, 1):
        further = {f"block_{index}": choice(*found, ZERO) for index in range(2, count + 1)}
        stages[f"stage_{stage}"] = {"block_1": choice(*found), **further}
    return ProxylessNASSpace(stages, name="proxylessnas", canonical=canonical)
