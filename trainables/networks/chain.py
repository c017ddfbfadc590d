"""Networks of the `chain` space: a row of up to ten layers with a choice of connections between them.

A network is a 3x3 stem, the layers, normalisation, global average and a linear layer. Every operation keeps the size of
the image or halves it, rounded up, so that images of any size work. Where two values are added, one is brought to the
shape of the other. With x the value before a layer and f its operation:

    series    f(x)
    skip      f(x) + x, x through a 1x1 convolution where the shapes differ (He et al. 2016, 1512.03385)
    dense     x and f(x), concatenated (Huang et al. 2017, 1608.06993)
    parallel  x + f(w), w being the input of the layer before: the two run side by side; a first layer is in series

In training, batch normalisation needs more than one value per channel: at least two images where maps are 1x1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from search_spaces.errors import ArchitectureError
from trainables.networks.base import GlobalAverage, Size, Subsample, Zero, conv_bn, kaiming, option, tree_of
from trainables.networks.examples import images
from trainables.networks.family import Family

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["CONNECTIONS", "FAMILY", "OPERATIONS", "ChainNetwork", "build_chain"]

CONVOLUTIONS = {"conv_3x3": 3, "conv_5x5": 5, "conv_7x7": 7}
DEPTHWISE = {"dwconv_3x3": 3, "dwconv_5x5": 5}
OPERATIONS = (*CONVOLUTIONS, *DEPTHWISE, "max_pool_3x3", "avg_pool_3x3", "identity", "zero")
CONNECTIONS = ("series", "parallel", "skip", "dense")


def build_chain(
    architecture: Architecture | Mapping[str, Any],
    *,
    num_classes: int,
    in_channels: int,
    image_size: Size,
    channels: int = 16,
    width: float = 1.0,
) -> nn.Module:
    """Build the network of a chain.

    Args:
        architecture: a member of `chain`, or its tree.
        num_classes: number of logits.
        in_channels: channels of the images.
        image_size: not used; images of every size work.
        channels: channels of the stem.
        width: factor of the channels of every layer.

    Returns:
        Images (n, in_channels, h, w) of any size to (n, num_classes) logits.

    Raises:
        ArchitectureError: a layer breaks the form; the message gives the path.
    """
    del image_size  # every size works: nothing shrinks below one pixel
    layers = tree_of(architecture).get("layers")
    if not isinstance(layers, list) or not layers:
        raise ArchitectureError("layers", f"{layers!r} is not a list of at least one layer")
    specs = [_read_layer(layer, index, width) for index, layer in enumerate(layers)]
    return ChainNetwork(specs, num_classes, in_channels, channels)


LayerSpec = tuple[str, int, int, str]
"""Operation, channels (0 where the operation keeps them), stride, connection."""


def _read_layer(layer: Mapping[str, Any], index: int, width: float) -> LayerSpec:
    path = f"layers.{index}"
    operation = option(layer, "op", OPERATIONS, path)
    convolves = operation in CONVOLUTIONS or operation in DEPTHWISE
    channels = layer.get("channels") if convolves else 0
    if not isinstance(channels, int) or (convolves and channels < 1):
        raise ArchitectureError(f"{path}.channels", f"{channels!r} is not a number of channels; it is 1 or more")
    # A canonical form leaves out a decision that changes nothing, so a missing one has its plain value.
    stride = option({"stride": 1, **layer}, "stride", (1, 2), path)
    connection = option({"connection": "series", **layer}, "connection", CONNECTIONS, path)
    return operation, max(1, round(channels * width)) if convolves else 0, stride, connection


class ChainNetwork(nn.Module):
    """Images (n, in_channels, h, w) of any size to (n, num_classes) logits.

    Args:
        layers: operation, channels, stride and connection of each layer.
        num_classes: number of logits.
        in_channels: channels of the images.
        channels: channels of the stem.
    """

    def __init__(self, layers: list[LayerSpec], num_classes: int, in_channels: int, channels: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(*conv_bn(in_channels, channels, 3), nn.ReLU())
        self.layers = nn.ModuleList()
        before, now, shrunk = channels, channels, 1
        for index, (operation, wanted, stride, connection) in enumerate(layers):
            if connection == "parallel" and index:
                layer: nn.Module = ParallelBranch(operation, before, wanted, stride, now, shrunk)
                shrunk = max(shrunk, stride)
            else:
                kind = {"skip": Skip, "dense": Dense}.get(connection, Series)
                layer = kind(operation, now, wanted, stride)
                before, now, shrunk = now, layer.outputs, stride
            self.layers.append(layer)
        self.last = nn.Sequential(nn.BatchNorm2d(now), nn.ReLU(), GlobalAverage())
        self.classifier = nn.Linear(now, num_classes)
        kaiming(self)

    def forward(self, x: Tensor) -> Tensor:
        before = now = self.stem(x)
        for layer in self.layers:
            if isinstance(layer, ParallelBranch):
                now = layer(before, now)
            else:
                before, now = now, layer(now)
        logits: Tensor = self.classifier(self.last(now))
        return logits


class Series(nn.Module):
    """f(x).

    Args:
        operation: one of `OPERATIONS`.
        inputs: channels of the input.
        channels: channels of the operation; 0 where it keeps those of the input.
        stride: 1, or 2 to halve the image.
    """

    def __init__(self, operation: str, inputs: int, channels: int, stride: int) -> None:
        super().__init__()
        self.operation = _operation(operation, inputs, channels, stride)
        self.outputs = channels or inputs

    def forward(self, x: Tensor) -> Tensor:
        value: Tensor = self.operation(x)
        return value


class Skip(Series):
    """f(x) + x.

    Args:
        operation: one of `OPERATIONS`.
        inputs: channels of the input.
        channels: channels of the operation; 0 where it keeps those of the input.
        stride: 1, or 2 to halve the image.
    """

    def __init__(self, operation: str, inputs: int, channels: int, stride: int) -> None:
        super().__init__(operation, inputs, channels, stride)
        self.shortcut = _match(inputs, self.outputs, stride)

    def forward(self, x: Tensor) -> Tensor:
        value: Tensor = self.operation(x) + self.shortcut(x)
        return value


class Dense(Series):
    """x and f(x), concatenated.

    Args:
        operation: one of `OPERATIONS`.
        inputs: channels of the input.
        channels: channels of the operation; 0 where it keeps those of the input.
        stride: 1, or 2 to halve the image.
    """

    def __init__(self, operation: str, inputs: int, channels: int, stride: int) -> None:
        super().__init__(operation, inputs, channels, stride)
        self.kept = Subsample(stride)
        self.outputs += inputs

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((self.kept(x), self.operation(x)), 1)


class ParallelBranch(nn.Module):
    """x + f(w), in the channels of x.

    Args:
        operation: one of `OPERATIONS`.
        inputs: channels of w.
        channels: channels of the operation; 0 where it keeps those of w.
        stride: 1, or 2 to halve w.
        outputs: channels of x.
        shrunk: the factor, 1 or 2, by which w is larger than x already.
    """

    def __init__(self, operation: str, inputs: int, channels: int, stride: int, outputs: int, shrunk: int) -> None:
        super().__init__()
        self.operation = _operation(operation, inputs, channels, stride)
        self.match = _match(channels or inputs, outputs, 2 if shrunk > stride else 1)
        self.kept = Subsample(2 if stride > shrunk else 1)

    def forward(self, before: Tensor, now: Tensor) -> Tensor:
        value: Tensor = self.kept(now) + self.match(self.operation(before))
        return value


def _operation(name: str, inputs: int, channels: int, stride: int) -> nn.Module:
    if name in CONVOLUTIONS:
        return nn.Sequential(*conv_bn(inputs, channels, CONVOLUTIONS[name], stride), nn.ReLU())
    if name in DEPTHWISE:
        depthwise = conv_bn(inputs, inputs, DEPTHWISE[name], stride, groups=inputs)
        return nn.Sequential(*depthwise, nn.ReLU(), *conv_bn(inputs, channels, 1), nn.ReLU())
    if name == "max_pool_3x3":
        return nn.MaxPool2d(3, stride, 1)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride, 1, count_include_pad=False)
    return Subsample(stride) if name == "identity" else Zero(stride)


def _match(inputs: int, outputs: int, stride: int) -> nn.Module:
    if inputs == outputs and stride == 1:
        return nn.Identity()
    return nn.Sequential(*conv_bn(inputs, outputs, 1, stride))


FAMILY = Family(build_chain, images, undecided=False)
