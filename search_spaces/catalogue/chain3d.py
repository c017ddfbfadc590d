"""`chain3d`: 1 to 6 layers for the classification of volumes, each a convolution, a pooling, a gate or a fusion.

    {"layers": [{"op": {"conv": {"kernel": 3, "channels": 16, "stride": 2}}}, {"op": {"pool": {"kind": "max"}}},
                {"op": "attention_gate"}, {"op": {"fusion": {"channels": 32}}}, ..]}

A convolution has a kernel of 3 or 5; a pooling takes the greatest value or the mean of 2 x 2 x 2 voxels; a gate weighs
each voxel (Oktay et al. 2018, 1804.03999); a fusion adds convolutions of sides 1, 3 and 5. The mean over all voxels and
a linear layer follow. Every combination is a member, and no two members compute the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces.catalogue.settings import check_kernels, check_names, check_numbers, check_range
from search_spaces.graphs.graph import Graph
from search_spaces.graphs.outline import chain_graph
from search_spaces.parameters import choice, repeat
from search_spaces.space import Space

__all__ = ["CHANNELS", "DEPTHS", "KERNELS", "OPERATIONS", "POOLS", "STRIDES", "Chain3dSpace", "space"]

KERNELS = (3, 5)
CHANNELS = (8, 16, 24, 32, 48, 64)
STRIDES = (1, 2)
POOLS = ("max", "average")
OPERATIONS = ("conv", "pool", "attention_gate", "fusion")
DEPTHS = (1, 6)


class Chain3dSpace(Space):
    """The space of chains of layers for volumes."""

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw the layers from the input on."""
        tree: Any = self.validate(architecture)._tree
        blocks = [(f"layers.{index}", _label(layer["op"])) for index, layer in enumerate(tree["layers"])]
        return (chain_graph("chain3d", blocks),)


def _label(decided: dict[str, Any]) -> str:
    (name, details), *_ = decided.items()
    if name == "conv":
        stride = " /2" if details["stride"] == 2 else ""
        return f"conv {details['kernel']}x{details['kernel']}x{details['kernel']} {details['channels']}{stride}"
    if name == "pool":
        return f"{details['kind']} pool 2x2x2"
    return f"fusion {details['channels']}" if name == "fusion" else "attention gate"


def space(
    *,
    kernels: Sequence[int] = KERNELS,
    channels: Sequence[int] = CHANNELS,
    strides: Sequence[int] = STRIDES,
    pools: Sequence[str] = POOLS,
    depths: tuple[int, int] = DEPTHS,
) -> Chain3dSpace:
    """Make the space, or one of the same shape with other options.

    Args:
        kernels: the sides of the kernels, which are odd.
        channels: the widths of convolutions and fusions.
        strides: the strides of convolutions.
        pools: some of `POOLS`.
        depths: the least and the greatest number of layers.

    Returns:
        The space.

    Raises:
        SpaceError: a setting has a wrong value.
    """
    check_kernels(kernels, KERNELS)
    check_numbers("channels", channels, CHANNELS, whole=True)
    check_numbers("strides", strides, STRIDES, whole=True)
    check_names("pools", pools, POOLS)
    check_range("depths", depths, DEPTHS)
    operation = choice(
        {
            "conv": {"kernel": choice(*kernels), "channels": choice(*channels), "stride": choice(*strides)},
            "pool": {"kind": choice(*pools)},
            "attention_gate": {},
            "fusion": {"channels": choice(*channels)},
        }
    )
    return Chain3dSpace({"layers": repeat({"op": operation}, *depths)}, name="chain3d")
