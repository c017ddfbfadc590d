"""The networks of NAS-Bench-201 (Dong and Yang 2020, 2001.00326).

A 3x3 stem of C channels, three stages of N equal cells with C, 2C and 4C channels, a residual block that
halves the image between two stages, then normalisation, global average and a linear layer. A cell has four
nodes; each edge i -> j applies one of five operations and a node is the sum of its edges. With C=16, N=5 and
10 classes of RGB images the network has 73,306 parameters, 28,000 more for each 1x1 and 243,040 more for each
3x3 convolution in the cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.networks.base import GlobalAverage, Size, conv_bn, option, tree_of

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["EDGES", "OPERATIONS", "Cell", "NB201Network", "build_nb201"]

NODES = 4
EDGES = tuple(f"edge_{i}_{j}" for j in range(1, NODES) for i in range(j))
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")


def build_nb201(
    architecture: Architecture | Mapping[str, Any],
    *,
    num_classes: int,
    in_channels: int,
    image_size: Size,
    channels: int = 16,
    cells: int = 5,
) -> nn.Module:
    """The network of one cell; `channels` is C and `cells` is N of the paper."""
    del image_size  # every size works: nothing shrinks below one pixel
    tree = tree_of(architecture)
    operations = {edge: option(tree, edge, OPERATIONS, "") for edge in EDGES}
    return NB201Network(operations, num_classes, in_channels, channels, cells)


class Pool(nn.Module):
    """Average over 3x3, borders counted as they are."""

    def forward(self, x: Tensor) -> Tensor:
        return functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def _operation(name: str, channels: int) -> nn.Module:
    if name == "skip_connect":
        return nn.Identity()
    if name == "avg_pool_3x3":
        return Pool()
    return nn.Sequential(*conv_bn(channels, channels, 3 if name == "nor_conv_3x3" else 1))


class Cell(nn.Module):
    """Four nodes; the first is the input, the last the output, each other the sum of its incoming edges.

    The paper's convolutions are ReLU, convolution, batch normalisation; the ReLU of a node is computed once
    for all the convolutions that leave it.
    """

    def __init__(self, operations: Mapping[str, str], channels: int) -> None:
        super().__init__()
        self.edges = nn.ModuleDict(
            {edge: _operation(name, channels) for edge, name in operations.items() if name != "none"}
        )
        self.convolutions = {edge for edge, name in operations.items() if name.startswith("nor_conv")}

    def forward(self, x: Tensor) -> Tensor:
        nodes = [x]
        activated: dict[int, Tensor] = {}
        for j in range(1, NODES):
            total: Tensor | None = None
            for i in range(j):
                edge = f"edge_{i}_{j}"
                if edge not in self.edges:
                    continue
                source = nodes[i]
                if edge in self.convolutions:
                    if i not in activated:
                        activated[i] = functional.relu(source)
                    source = activated[i]
                value = self.edges[edge](source)
                total = value if total is None else total + value
            nodes.append(torch.zeros_like(x) if total is None else total)
        return nodes[-1]


class Residual(nn.Module):
    """The block between two stages: two 3x3 convolutions, the first of stride 2, beside a pooled 1x1."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.ReLU(), *conv_bn(inputs, outputs, 3, 2), nn.ReLU(), *conv_bn(outputs, outputs, 3))
        self.shortcut = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        pooled = functional.avg_pool2d(x, 2, 2, ceil_mode=True)
        total: Tensor = self.shortcut(pooled) + self.body(x)
        return total


class NB201Network(nn.Module):
    """Images (n, in_channels, h, w) of any size to (n, num_classes) logits."""

    def __init__(
        self, operations: Mapping[str, str], num_classes: int, in_channels: int, channels: int, cells: int
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(*conv_bn(in_channels, channels, 3))
        stages: list[nn.Module] = []
        for stage in range(3):
            width = channels * 2**stage
            if stage:
                stages.append(Residual(width // 2, width))
            stages.extend(Cell(operations, width) for _ in range(cells))
        self.stages = nn.Sequential(*stages)
        self.last = nn.Sequential(nn.BatchNorm2d(4 * channels), nn.ReLU(), GlobalAverage())
        self.classifier = nn.Linear(4 * channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.last(self.stages(self.stem(x))))
        return logits
