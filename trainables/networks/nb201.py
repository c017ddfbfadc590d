"""The networks of NAS-Bench-201 (Dong and Yang 2020, 2001.00326).

A network is a 3x3 stem of C channels, three stages of N equal cells with C, 2C and 4C channels, normalisation, global
average and a linear layer. Between two stages a residual block halves the image; with `reduction="pool"` it is an
average of 2x2 pixels and a 1x1 convolution alone, so that in a supernet, where the residual block learns at every step,
the cells do the work. A cell has four nodes; each edge i -> j applies one of five operations, and a node is the sum of
its edges. With C=16, N=5 and 10 classes of RGB images
the network has 73,306 parameters, 28,000 more for each 1x1 and 243,040 more for each 3x3 convolution in the cell.
Without an architecture the network is undecided: every edge is a `LayerChoice`, which all cells share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from search_spaces.catalogue.nb201 import EDGES, OPERATIONS
from search_spaces.catalogue.settings import check_operations
from search_spaces.nn import LayerChoice
from trainables.networks.base import GlobalAverage, Size, Zero, conv_bn, option, tree_of
from trainables.networks.dimensions import batch_norm, convolution
from trainables.networks.examples import images
from trainables.networks.family import Family
from trainables.networks.layers import layer
from trainables.settings import check_flag, check_name, check_number

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["EDGES", "FAMILY", "OPERATIONS", "NB201Network", "Nb201Cell", "build_nb201"]

NODES = 4
MakeCell = Callable[[int], nn.Module]
"""Makes a cell from its number of channels."""


def build_nb201(
    architecture: Architecture | Mapping[str, Any] | None,
    *,
    num_classes: int,
    in_channels: int,
    image_size: Size = 32,
    channels: int = 16,
    cells: int = 5,
    affine: bool | None = None,
    operations: Sequence[str] = OPERATIONS,
    reduction: str = "residual",
) -> nn.Module:
    """Build the network of one cell, or the undecided one.

    Args:
        architecture: a member of `nb201`, or its tree. None builds the undecided network.
        num_classes: number of logits.
        in_channels: channels of the images.
        image_size: their sides; with three, those of volumes, all convolutions and poolings have three sides too.
        channels: channels of the first stage (C in the paper).
        cells: number of cells in each stage (N in the paper).
        affine: whether the normalisations of cells have learnt parameters; None means True for a decided network and
            False for an undecided one.
        operations: candidates on the edges of an undecided cell.
        reduction: what halves the image between two stages: "residual" (the paper's block) or "pool" (an average of 2x2
            pixels and a 1x1 convolution).

    Returns:
        Images (n, in_channels, h, w), or volumes (n, in_channels, d, h, w), of any size to (n, num_classes) logits.

    Raises:
        TrainableError: a setting has a wrong value.
        ArchitectureError: an edge has no such operation; the message gives the path.
    """
    check_number("channels", channels, 1, whole=True)
    check_number("cells", cells, 1, whole=True)
    learns = architecture is not None if affine is None else affine
    check_flag("affine", learns)
    check_name("reduction", reduction, tuple(_REDUCTIONS))
    allowed = check_operations(operations, OPERATIONS)
    sides = 2 if isinstance(image_size, int) else len(image_size)
    if architecture is None:
        make_cell = _undecided(allowed, learns, sides)
    else:
        make_cell = _decided(tree_of(architecture), learns, sides)
    return NB201Network(make_cell, num_classes, in_channels, channels, cells, sides, reduction)


def _decided(tree: Mapping[str, Any], affine: bool, sides: int) -> MakeCell:
    operations = tuple(option(tree, edge, OPERATIONS, "") for edge in EDGES)
    return lambda channels: _cell(operations, channels, affine, sides)


@layer
def _cell(operations: tuple[str, ...], channels: int, affine: bool, sides: int) -> nn.Module:
    named = zip(EDGES, operations, strict=True)
    return Nb201Cell({edge: _operation(name, channels, affine, sides) for edge, name in named if name != "none"})


def _undecided(operations: tuple[str, ...], affine: bool, sides: int) -> MakeCell:
    def candidates(channels: int) -> dict[str, nn.Module]:
        return {name: _operation(name, channels, affine, sides) for name in operations}

    return lambda channels: Nb201Cell({edge: LayerChoice(candidates(channels), label=edge) for edge in EDGES})


class Pool(nn.Module):
    """Average over 3x3, of volumes over 3x3x3; at the borders only pixels of the image count.

    Args:
        sides: 2 for images, 3 for volumes.
    """

    def __init__(self, sides: int = 2) -> None:
        super().__init__()
        self.sides = sides

    def forward(self, x: Tensor) -> Tensor:
        if self.sides == 3:
            # torch refuses sides below 3 here, although padding makes them long enough.
            around = (1,) * 6
            inside = functional.pad(torch.ones_like(x[:1, :1]), around)
            return functional.avg_pool3d(functional.pad(x, around), 3, 1) / functional.avg_pool3d(inside, 3, 1)
        return functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


class Convolution(nn.Sequential):
    """ReLU, convolution, batch normalisation.

    Args:
        channels: channels of input and output.
        kernel: side of the kernel in pixels, odd.
        affine: whether the normalisation has learnt parameters.
        sides: 2 for images, 3 for volumes.
    """

    def __init__(self, channels: int, kernel: int, affine: bool, sides: int = 2) -> None:
        conv = convolution(sides, channels, channels, kernel)
        super().__init__(conv, batch_norm(sides, channels, affine=affine))

    def forward(self, x: Tensor) -> Tensor:
        return self.convolved(functional.relu(x))

    def convolved(self, activated: Tensor) -> Tensor:
        """Apply convolution and normalisation after a ReLU that is computed already.

        Args:
            activated: (n, channels, h, w), the input after the ReLU.

        Returns:
            (n, channels, h, w).
        """
        convolution, norm = self
        value: Tensor = norm(convolution(activated))
        return value


def _operation(name: str, channels: int, affine: bool, sides: int) -> nn.Module:
    if name == "none":
        return Zero(stride=1)
    if name == "skip_connect":
        return nn.Identity()
    if name == "avg_pool_3x3":
        return Pool(sides)
    return Convolution(channels, 3 if name == "nor_conv_3x3" else 1, affine, sides)


class Nb201Cell(nn.Module):
    """Four nodes; the first is the input, the last the output, each other the sum of its incoming edges.

    The ReLU of a node is computed once for all the convolutions that read the node.

    Args:
        edges: the operation by the name of the edge; a missing edge contributes zero.
    """

    def __init__(self, edges: Mapping[str, nn.Module]) -> None:
        super().__init__()
        self.edges = nn.ModuleDict(edges)

    def forward(self, x: Tensor) -> Tensor:
        nodes = [x]
        activated: dict[int, Tensor] = {}
        for j in range(1, NODES):
            terms = [
                self._term(i, f"edge_{i}_{j}", nodes, activated) for i in range(j) if f"edge_{i}_{j}" in self.edges
            ]
            nodes.append(sum(terms[1:], terms[0]) if terms else torch.zeros_like(x))
        return nodes[-1]

    def _term(self, source: int, edge: str, nodes: list[Tensor], activated: dict[int, Tensor]) -> Tensor:
        operation = self.edges[edge]
        if not isinstance(operation, Convolution):
            value: Tensor = operation(nodes[source])
            return value
        if source not in activated:
            activated[source] = functional.relu(nodes[source])
        return operation.convolved(activated[source])


class ResidualReduction(nn.Module):
    """The block between two stages: two 3x3 convolutions, the first of stride 2, beside a pooled 1x1.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        sides: 2 for images, 3 for volumes.
    """

    def __init__(self, inputs: int, outputs: int, sides: int = 2) -> None:
        super().__init__()
        self.sides = sides
        first, second = conv_bn(inputs, outputs, 3, 2, dimensions=sides), conv_bn(outputs, outputs, 3, dimensions=sides)
        self.body = nn.Sequential(nn.ReLU(), *first, nn.ReLU(), *second)
        self.shortcut = convolution(sides, inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        pool = functional.avg_pool3d if self.sides == 3 else functional.avg_pool2d
        pooled = pool(x, 2, 2, ceil_mode=True)
        total: Tensor = self.shortcut(pooled) + self.body(x)
        return total


class PooledReduction(nn.Module):
    """The light block between two stages: the average of 2x2 pixels, and a 1x1 convolution.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        sides: 2 for images, 3 for volumes.
    """

    def __init__(self, inputs: int, outputs: int, sides: int = 2) -> None:
        super().__init__()
        self.sides = sides
        self.shortcut = convolution(sides, inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        pool = functional.avg_pool3d if self.sides == 3 else functional.avg_pool2d
        value: Tensor = self.shortcut(pool(x, 2, 2, ceil_mode=True))
        return value


_REDUCTIONS = {"residual": layer(ResidualReduction), "pool": layer(PooledReduction)}


class NB201Network(nn.Module):
    """Images (n, in_channels, h, w) of any size to (n, num_classes) logits.

    Args:
        make_cell: makes a cell of some number of channels.
        num_classes: number of logits.
        in_channels: channels of the images.
        channels: channels of the first stage.
        cells: number of cells in each stage.
        sides: 2 for images, 3 for volumes.
        reduction: "residual" or "pool".
    """

    def __init__(
        self,
        make_cell: MakeCell,
        num_classes: int,
        in_channels: int,
        channels: int,
        cells: int,
        sides: int = 2,
        reduction: str = "residual",
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(*conv_bn(in_channels, channels, 3, dimensions=sides))
        stages: list[nn.Module] = []
        for stage in range(3):
            width = channels * 2**stage
            if stage:
                stages.append(_REDUCTIONS[reduction](width // 2, width, sides))
            stages.extend(make_cell(width) for _ in range(cells))
        self.stages = nn.Sequential(*stages)
        self.last = nn.Sequential(batch_norm(sides, 4 * channels), nn.ReLU(), GlobalAverage())
        self.classifier = nn.Linear(4 * channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.last(self.stages(self.stem(x))))
        return logits


FAMILY = Family(build_nb201, images, undecided=True, sides=(2, 3), small={"channels": 16, "cells": 1})
