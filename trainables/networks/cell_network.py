"""Networks of normal and reduction cells (the evaluation networks of DARTS, Liu et al. 2019, 1806.09055).

A stem, `layers` cells of which those at one and two thirds reduce and double the channels, global average,
a linear layer. The stem of "cifar" has three times the channels and keeps the image; that of "imagenet" halves
it three times. An auxiliary head (Szegedy et al. 2015, 1409.4842) may read the second reduction: then the
network gives `(logits, auxiliary_logits)` in training, logits in evaluation.
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

__all__ = ["STEMS", "AuxiliaryHead", "Cell", "CellNetwork", "Nodes", "Outline", "Place"]

STEMS = ("cifar", "imagenet")


_operation = layer(operation)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the nodes of a cell are to stand: the channels of each node, and whether the cell halves the image."""

    channels: int
    reduces: bool
    style: Style

    def operation(self, name: str, source: int) -> nn.Module:
        """The operation on the edge from `source`, 0 and 1 being the inputs of the cell."""
        return _operation(name, self.channels, 2 if self.reduces and source < 2 else 1, self.style)


@dataclass(frozen=True, slots=True)
class Nodes:
    """How the nodes of a cell are made, each a module of the list of values before it, and which are concatenated."""

    make: Callable[[Place], list[nn.Module]]
    concat: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Outline:
    """The settings of a network of cells; `TrainableError` for one that cannot be."""

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

    `together` is what a supernet lets run in the place of the nodes, from the first two values to all of them.
    """

    together: Callable[[list[Tensor]], list[Tensor]] | None = None

    def __init__(self, nodes: Nodes, place: Place, before: tuple[int, int], after_reduction: bool) -> None:
        super().__init__()
        affine = place.style.affine
        first = _factorized_reduction if after_reduction else _relu_conv_bn
        self.first = first(before[0], place.channels, affine=affine)
        self.second = _relu_conv_bn(before[1], place.channels, affine=affine)
        self.nodes = nn.ModuleList(nodes.make(place))
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

    The papers' maps (8x8 on CIFAR, 7x7 on ImageNet) are pooled to 2x2, on which the second convolution ends in
    one value; smaller ones are spread over 2x2, of larger ones the values are averaged.
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
    """Images (n, in_channels, h, w) of any size to (n, num_classes) logits."""

    def __init__(self, outline: Outline, normal: Nodes, reduce: Nodes) -> None:
        super().__init__()
        self.stem = _stem(outline)
        width = 3 * outline.channels if outline.stem == "cifar" else outline.channels
        before, channels, after_reduction = (width, width), outline.channels, outline.stem == "imagenet"
        self.cells = nn.ModuleList()
        outputs: list[int] = []
        for index in range(outline.layers):
            reduces = index in outline.reductions
            nodes = reduce if reduces else normal
            channels *= 1 + reduces
            self.cells.append(_cell(nodes, Place(channels, reduces, outline.style), before, after_reduction))
            outputs.append(channels * len(nodes.concat))
            before, after_reduction = (before[1], outputs[-1]), reduces
        self.watched = outline.reductions[1]
        head = AuxiliaryHead(outputs[self.watched], outline.num_classes, outline.stem)
        self.auxiliary = head if outline.auxiliary else None
        self.last = GlobalAverage()
        self.classifier = nn.Linear(before[1], outline.num_classes)

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
    """The two values that the first cell is given; of images that need not shrink, the same twice."""

    def __init__(self, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.first, self.second = first, second

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        first = self.first(x)
        return first, self.second(first)


def _stem(outline: Outline) -> Stem:
    channels = outline.channels
    if outline.stem == "cifar":
        return Stem(nn.Sequential(*_conv_bn(outline.in_channels, 3 * channels, 1)), nn.Identity())
    first = [*_conv_bn(outline.in_channels, channels // 2, 2), nn.ReLU(), *_conv_bn(channels // 2, channels, 2)]
    return Stem(nn.Sequential(*first), nn.Sequential(nn.ReLU(), *_conv_bn(channels, channels, 2)))


def _conv_bn(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)]
