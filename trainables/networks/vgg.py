"""Networks of the `vgg` space: blocks of convolutions with pooling between them.

Each convolution is followed by batch normalisation and ReLU; a separable one is a depthwise convolution and a 1x1
convolution, each with both. Pooling halves the image behind every block but the last, and keeps an image of one pixel.
With x the input of a block and f its convolutions, a block is f(x), or f(x) + x; x passes a 1x1 convolution there if
the widths differ. The network ends with the mean or the maximum over the image, and a linear layer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from search_spaces.errors import ArchitectureError
from trainables.networks.base import GlobalAverage, conv_bn, kaiming, number, option, tree_of
from trainables.networks.family import Family
from trainables.settings import check_number

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["FAMILY", "build_vgg"]

OPERATIONS = ("conv", "separable")
POOLS: dict[str, Callable[..., nn.Module]] = {"max": nn.MaxPool2d, "avg": nn.AvgPool2d}
SUMMARIES = ("mean", "max")


def build_vgg(
    architecture: Architecture | Mapping[str, Any],
    *,
    num_classes: int,
    in_channels: int,
    channels: int = 16,
    dropout: float = 0.0,
) -> nn.Module:
    """Build the network of one member.

    Args:
        architecture: a member of `vgg`, or its tree.
        num_classes: number of logits.
        in_channels: channels of the images.
        channels: what the first block multiplies by its `grow`.
        dropout: probability of dropout before the last layer.

    Returns:
        Images (n, in_channels, h, w) of any size to (n, num_classes) logits.

    Raises:
        TrainableError: a setting has a wrong value.
        ArchitectureError: a block breaks the form; the message gives the path.
    """
    check_number("channels", channels, 1, whole=True)
    check_number("dropout", dropout, 0, 1)
    tree = tree_of(architecture)
    blocks = tree.get("blocks")
    if not isinstance(blocks, list) or not blocks:
        raise ArchitectureError("blocks", f"{blocks!r} is not a list of at least one block")
    layers: list[nn.Module] = []
    now, width = in_channels, float(channels)
    for index, block in enumerate(blocks):
        path = f"blocks.{index}"
        width *= number(block, "grow", path)
        layers.append(_block(block, path, now, round(width)))
        now = round(width)
        if index < len(blocks) - 1:
            layers.append(POOLS[option(block, "pool", tuple(POOLS), path)](2, ceil_mode=True))
    summary = GlobalAverage() if option(tree, "summary", SUMMARIES, "") == "mean" else GlobalMaximum()
    network = nn.Sequential(*layers, summary, nn.Dropout(dropout), nn.Linear(now, num_classes))
    kaiming(network)
    return network


def _block(block: Mapping[str, Any], path: str, inputs: int, width: int) -> nn.Module:
    operation = option(block, "operation", OPERATIONS, path)
    kernel, count = number(block, "kernel", path, odd=True), number(block, "convolutions", path, whole=True)
    layers: list[nn.Module] = []
    for place in range(count):
        before = width if place else inputs
        if operation == "separable":
            layers += [
                *conv_bn(before, before, kernel, groups=before),
                nn.ReLU(),
                *conv_bn(before, width, 1),
                nn.ReLU(),
            ]
        else:
            layers += [*conv_bn(before, width, kernel), nn.ReLU()]
    made = nn.Sequential(*layers)
    return Added(made, inputs, width) if option(block, "skip", (False, True), path) else made


class Added(nn.Module):
    """f(x) + x.

    Args:
        block: f, (n, inputs, h, w) to (n, width, h, w).
        inputs: channels of the input.
        width: channels of the output.
    """

    def __init__(self, block: nn.Module, inputs: int, width: int) -> None:
        super().__init__()
        self.block = block
        self.shortcut = nn.Identity() if inputs == width else nn.Sequential(*conv_bn(inputs, width, 1))

    def forward(self, x: Tensor) -> Tensor:
        value: Tensor = self.block(x) + self.shortcut(x)
        return value


class GlobalMaximum(nn.Module):
    """(n, c, h, w) to (n, c): the maximum over the image."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.amax(x, (2, 3))


FAMILY = Family(build_vgg, undecided=False)
