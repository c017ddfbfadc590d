"""`mobilenetv3`: the space of Once-for-All (Cai et al. 2020, arXiv 1908.09791), about 2 * 10^19 networks an image size.

A network has five stages of two to four inverted residual blocks. A block has a kernel of 3, 5 or 7 pixels and expands
its channels 3, 4 or 6 times. The size of the images (128 to 224 pixels in steps of 4) and the width multiplier (1.0 or
1.2) are decisions too, so that the space has (9^2 + 9^3 + 9^4)^5 * 25 * 2 members:

    {"resolution": 224, "width": 1.0, "stage_1": [{"kernel": 3, "expansion": 4}, ..], .., "stage_5": [..]}

Every decision changes the network, and the blocks of a stage follow each other: no two members compute the same, and
there is no canonical form.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces.catalogue.settings import check_numbers, check_range
from search_spaces.errors import SpaceError
from search_spaces.graphs.graph import Graph
from search_spaces.graphs.outline import chain_graph
from search_spaces.parameters import choice, repeat
from search_spaces.space import Space

__all__ = ["DEPTH", "EXPANSIONS", "KERNELS", "RESOLUTIONS", "STAGES", "WIDTHS", "MobileNetV3Space", "space"]

STAGES = ("stage_1", "stage_2", "stage_3", "stage_4", "stage_5")
KERNELS = (3, 5, 7)
EXPANSIONS = (3, 4, 6)
DEPTH = (2, 4)
WIDTHS = (1.0, 1.2)
RESOLUTIONS = tuple(range(128, 225, 4))


class MobileNetV3Space(Space):
    """The networks of Once-for-All."""

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw one row of blocks, each a vertex with its kernel and expansion."""
        tree: Any = self.validate(architecture).tree
        blocks: list[tuple[str, str]] = []
        for stage in STAGES:
            for index, block in enumerate(tree[stage]):
                label = f"mbconv{block['expansion']} {block['kernel']}x{block['kernel']}"
                blocks.append((f"{stage}.{index}", label))
        return (chain_graph(f"resolution {tree['resolution']}, width {tree['width']}", blocks),)


def check_kernels(kernels: Sequence[int]) -> None:
    """Check sizes of kernels. They are odd, so that a kernel has a middle pixel.

    Args:
        kernels: the sizes, in pixels.

    Raises:
        SpaceError: they are not a list of odd whole numbers above 0.
    """
    check_numbers("kernels", kernels, KERNELS, whole=True)
    for kernel in kernels:
        if kernel % 2 == 0:
            raise SpaceError(f"kernel {kernel!r}: a kernel is an odd number of pixels; give 3, 5, 7 or the like")


def space(
    *,
    resolutions: Sequence[int] = RESOLUTIONS,
    widths: Sequence[float] = WIDTHS,
    kernels: Sequence[int] = KERNELS,
    expansions: Sequence[float] = EXPANSIONS,
    depth: tuple[int, int] = DEPTH,
) -> MobileNetV3Space:
    """Make the space of the paper, or one of the same shape with other options.

    With `expansions=(2.3, 2.5, 3, 4, 6)`, MobileNetV3-Large (Howard et al. 2019, arXiv 1905.02244) is a member.

    Args:
        resolutions: the sizes of the images, in pixels.
        widths: the multipliers of all channels.
        kernels: the sizes of the depthwise convolutions, in pixels, odd.
        expansions: the factors by which a block expands its channels.
        depth: the least and the greatest number of blocks in a stage.

    Returns:
        The space.

    Raises:
        SpaceError: a setting has a wrong value.
    """
    check_kernels(kernels)
    check_numbers("resolutions", resolutions, (128, 160, 192, 224), whole=True)
    check_numbers("widths", widths, WIDTHS)
    check_numbers("expansions", expansions, EXPANSIONS)
    check_range("depth", depth, DEPTH)
    block = {"kernel": choice(*kernels), "expansion": choice(*expansions)}
    stages = {stage: repeat(block, *depth) for stage in STAGES}
    tree = {"resolution": choice(*resolutions), "width": choice(*widths), **stages}
    return MobileNetV3Space(tree, name="mobilenetv3")
