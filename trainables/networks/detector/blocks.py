"""Blocks of the backbones of detectors: residual ones, inverted residuals, and those of ShuffleNetV2."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.networks.base import conv_bn
from trainables.networks.inverted_residual import InvertedResidual
from trainables.networks.layers import layer

__all__ = ["Residual", "Shuffled", "block"]

_EXPANSION = 3


class Residual(nn.Module):
    """Two convolutions, added to the input (through a 1x1 convolution where the shapes differ).

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        kernel: side of the kernels in pixels, odd.
        stride: stride of the first convolution.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int) -> None:
        super().__init__()
        first, second = conv_bn(inputs, outputs, kernel, stride), conv_bn(outputs, outputs, kernel)
        self.path = nn.Sequential(*first, nn.ReLU(), *second)
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(*conv_bn(inputs, outputs, 1, stride))

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.shortcut(x) + self.path(x))


class Shuffled(nn.Module):
    """The block of ShuffleNetV2 (Ma et al. 2018, 1807.11164) with the kernels of single-path one-shot (1904.00420).

    Half of the channels go through the layers, the others skip them; then the halves are interleaved. Where the shape
    changes, all channels go both ways, and a depthwise and a 1x1 convolution stand in the place of the skip.

    Args:
        inputs: channels of the input.
        outputs: channels of the output, even.
        kernel: side of the depthwise kernel in pixels, odd; None for the xception block, which has three depthwise
            convolutions of 3 pixels.
        stride: stride of the first depthwise convolution.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int | None, stride: int) -> None:
        super().__init__()
        half = outputs // 2
        self.divides = inputs == outputs and stride == 1
        before = half if self.divides else inputs
        self.skip = nn.Identity() if self.divides else nn.Sequential(*_separable(before, half, kernel or 3, stride))
        if kernel is None:
            layers = _separable(before, half, 3, stride) + _separable(half, half, 3) + _separable(half, half, 3)
        else:
            layers = [*conv_bn(before, half, 1), nn.ReLU(), *_separable(half, half, kernel, stride)]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        if self.divides:
            first, second = x.chunk(2, 1)
            parts = torch.stack((self.skip(first), self.layers(second)), 2)
        else:
            parts = torch.stack((self.skip(x), self.layers(x)), 2)
        return parts.flatten(1, 2)


def _separable(inputs: int, outputs: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    """A depthwise and a 1x1 convolution."""
    return [*conv_bn(inputs, inputs, kernel, stride, inputs), *conv_bn(inputs, outputs, 1), nn.ReLU()]


def _block(kind: str, inputs: int, outputs: int, stride: int) -> nn.Module:
    name, _, size = kind.partition("_")
    kernel = None if size == "xception" else int(size.partition("x")[0])
    if name == "shuffle":
        return Shuffled(inputs, outputs, kernel, stride)
    if name == "mb3":
        same = inputs == outputs and stride == 1
        return InvertedResidual(inputs, outputs, kernel or 3, _EXPANSION, stride=stride, residual=same)
    return Residual(inputs, outputs, kernel or 3, stride)


block = layer(_block)
"""Makes a block of a kind of `search_spaces.catalogue.detector.BLOCKS`; while networks are measured, each different
block is made only once.
"""
