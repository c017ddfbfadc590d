"""Networks of normal and reduction cells (the evaluation networks of DARTS, Liu et al. 2019, 1806.09055).

A network is a stem, `layers` cells, a global average and a linear layer. The cells at one third and at two thirds halve
the image and double the channels. The stem "cifar" has three times the channels and keeps the size of the image; the
stem "imagenet" halves it three times. An auxiliary head (Szegedy et al. 2015, 1409.4842) may read the second reduction
cell: then the network returns `(logits, auxiliary_logits)` in training, and logits in evaluation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.networks.base import GlobalAverage, check_drop_path
from trainables.networks.cell_operations import FactorizedReduction, Style, operation, relu_conv_bn
from trainables.networks.layers import layer
from trainables.settings import check_flag, check_name, check_number

__all__ = ["STEMS", "AuxiliaryHead", "Cell", "CellNetwork", "CellNetworkSettings", "CellShape", "Nodes"]

STEMS = ("cifar", "imagenet")


_operation = layer(operation)


@dataclass(frozen=True, slots=True)
class CellShape:
    """The shape of the nodes of a cell.

    Attributes:
        channels: channels of each node.
        reduces: whether the cell halves the image.
        style: what all operations of the network share.
    """

    channels: int
    reduces: bool
    style: Style

    def operation(self, name: str, source: int) -> nn.Module:
        """Make the operation on an edge.

        Args:
            name: a key of `OPERATIONS`, or "none".
            source: index of the value at which the edge starts; 0 and 1 are the inputs of the cell.

        Returns:
            The operation, of stride 2 where the cell halves this input.
        """
        return _operation(name, self.channels, 2 if self.reduces and source < 2 else 1, self.style)


@dataclass(frozen=True, slots=True)
class Nodes:
    """The nodes of a cell.

    Attributes:
        make: makes the nodes for a cell of some shape. A node is a module of the list of values before it.
        concat: indices of the values that are concatenated to the output; 0 and 1 are the inputs of the cell.
    """

    make: Callable[[CellShape], list[nn.Module]]
    concat: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CellNetworkSettings:
    """The settings of a network of cells; the constructor raises `TrainableError` for a wrong value.

    Attributes:
        num_classes: number of logits.
        in_channels: channels of the images.
        channels: channels of the nodes in the first cells, at least 2.
        layers: number of cells.
        stem: "cifar" or "imagenet".
        auxiliary: whether the network has an auxiliary head.
        style: what all operations share.
    """

    num_classes: int
    in_channels: int
    channels: int
    layers: int
    stem: str
    auxiliary: bool
    style: Style

    def __post_init__(self) -> None:
        check_number("channels", self.channels, 2, whole=True)
        check_number("layers", self.layers, 1, whole=True)
        check_name("stem", self.stem, STEMS)
        check_flag("auxiliary", self.auxiliary)
        check_flag("affine", self.style.affine)
        check_drop_path(self.style.drop_path)

    @property
    def reductions(self) -> tuple[int, int]:
        """The indices of the cells that reduce."""
        return self.layers // 3, 2 * self.layers // 3


_relu_conv_bn = layer(relu_conv_bn)
_factorized_reduction = layer(FactorizedReduction)


class Cell(nn.Module):
    """Two earlier values to one: each brought to the channels of the cell, nodes, concatenation.

    A supernet sets `together` to compute all nodes at once: a function of the two inputs that returns them followed by
    the values of the nodes.

    Args:
        nodes: the nodes.
        shape: channels and stride of the nodes.
        before: channels of the two inputs.
        after_reduction: whether the cell before halved the image, so that the first input is twice as large.
    """

    together: Callable[[list[Tensor]], list[Tensor]] | None = None

    def __init__(self, nodes: Nodes, shape: CellShape, before: tuple[int, int], after_reduction: bool) -> None:
        super().__init__()
        affine = shape.style.affine
        first = _factorized_reduction if after_reduction else _relu_conv_bn
        self.first = first(before[0], shape.channels, affine=affine)
        self.second = _relu_conv_bn(before[1], shape.channels, affine=affine)
        self.nodes = nn.ModuleList(nodes.make(shape))
        self.concat = nodes.concat

    def forward(self, before: Tensor, last: Tensor) -> Tensor:
        values = [self.first(before), self.second(last)]
        if self.together is not None:
            values = self.together(values)
        else:
            for node in self.nodes:
                values.append(node(values))
        return torch.cat([values[index] for index in self.concat], 1)


_cell = layer(Cell)


class AuxiliaryHead(nn.Module):
    """Logits from a map inside the network: pooled over 5x5, two convolutions, a linear layer.

    The papers' maps (8x8 on CIFAR, 7x7 on ImageNet) are pooled to 2x2, which the second convolution reduces to one
    value. Smaller maps are spread over 2x2; larger ones are averaged.

    Args:
        inputs: channels of the map.
        num_classes: number of logits.
        stem: "cifar" or "imagenet", which decides the stride of the pooling and the last normalisation.
    """

    def __init__(self, inputs: int, num_classes: int, stem: str) -> None:
        super().__init__()
        self.stride = 3 if stem == "cifar" else 2
        last = [nn.BatchNorm2d(768)] if stem == "cifar" else []
        self.features = nn.Sequential(
            nn.Conv2d(inputs, 128, 1, bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(),
            nn.Conv2d(128, 768, 2, bias=False),
            *last,
            nn.ReLU(),
            GlobalAverage(),
        )
        self.classifier = nn.Linear(768, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(x)
        if min(x.shape[2:]) < 5 + self.stride:
            x = functional.adaptive_avg_pool2d(x, 2)
        else:
            x = functional.avg_pool2d(x, 5, self.stride)
        logits: Tensor = self.classifier(self.features(x))
        return logits


class CellNetwork(nn.Module):
    """Images (n, in_channels, h, w) of any size to (n, num_classes) logits.

    Args:
        settings: the settings of the network.
        normal: the nodes of the normal cells.
        reduce: the nodes of the reduction cells.
    """

    def __init__(self, settings: CellNetworkSettings, normal: Nodes, reduce: Nodes) -> None:
        super().__init__()
        self.stem = _stem(settings)
        width = 3 * settings.channels if settings.stem == "cifar" else settings.channels
        before, channels, after_reduction = (width, width), settings.channels, settings.stem == "imagenet"
        self.cells = nn.ModuleList()
        outputs: list[int] = []
        for index in range(settings.layers):
            reduces = index in settings.reductions
            nodes = reduce if reduces else normal
            channels *= 1 + reduces
            self.cells.append(_cell(nodes, CellShape(channels, reduces, settings.style), before, after_reduction))
            outputs.append(channels * len(nodes.concat))
            before, after_reduction = (before[1], outputs[-1]), reduces
        self.watched = settings.reductions[1]
        head = AuxiliaryHead(outputs[self.watched], settings.num_classes, settings.stem)
        self.auxiliary = head if settings.auxiliary else None
        self.last = GlobalAverage()
        self.classifier = nn.Linear(before[1], settings.num_classes)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        before, last = self.stem(x)
        auxiliary: Tensor | None = None
        for index, cell in enumerate(self.cells):
            before, last = last, cell(before, last)
            if self.auxiliary is not None and self.training and index == self.watched:
                auxiliary = self.auxiliary(last)
        logits: Tensor = self.classifier(self.last(last))
        return logits if auxiliary is None else (logits, auxiliary)


class Stem(nn.Module):
    """The two inputs of the first cell; both are the same where the image keeps its size.

    Args:
        first: the layers before the first input.
        second: the layers between the first and the second input.
    """

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first = self.first(x)
        return first, self.second(first)


def _stem(settings: CellNetworkSettings) -> Stem:
    channels = settings.channels
    if settings.stem == "cifar":
        return Stem(nn.Sequential(*_conv_bn(settings.in_channels, 3 * channels, 1)), nn.Identity())
    first = [*_conv_bn(settings.in_channels, channels // 2, 2), nn.ReLU(), *_conv_bn(channels // 2, channels, 2)]
    return Stem(nn.Sequential(*first), nn.Sequential(nn.ReLU(), *_conv_bn(channels, channels, 2)))


def _conv_bn(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)]
