"""The operations of cells, as in the evaluation networks of DARTS (Liu et al. 2019, 1806.09055).

An operation keeps the channels. With stride 1 it keeps the size of the image; with stride 2 it halves it, rounded up. A
convolution is ReLU, convolution, batch normalisation; a separable one has this twice, a dilated one once. A skip
connection of stride 2 is a factorized reduction. In a search network (without `affine`) pooling is normalised too, as
in the paper.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from search_spaces.catalogue.cells import KNOWN_OPERATIONS
from trainables.networks.base import DropPath, Zero, halved

__all__ = ["OPERATIONS", "FactorizedReduction", "Style", "operation", "relu_conv_bn"]


@dataclass(frozen=True, slots=True)
class Style:
    """What all operations of a network share.

    Attributes:
        affine: whether normalisations have learnt parameters.
        drop_path: probability of drop path at the end of training.
    """

    affine: bool = True
    drop_path: float = 0.0


def operation(name: str, channels: int, stride: int, style: Style) -> nn.Module:
    """Make an operation of a cell. Drop path follows every operation but the identity and "none".

    Args:
        name: a key of `OPERATIONS`, or "none".
        channels: channels of input and output.
        stride: 1, or 2 to halve the image.
        style: what all operations of the network share.

    Returns:
        (n, channels, h, w) to (n, channels, h / stride, w / stride), rounded up.
    """
    if name == "none":
        return Zero(stride)
    if name == "skip_connect" and stride == 1:
        return nn.Identity()
    layers = OPERATIONS[name](channels, stride, style.affine)
    return nn.Sequential(*layers, DropPath(style.drop_path)) if style.drop_path else nn.Sequential(*layers)


class FactorizedReduction(nn.Module):
    """Half the image at other channels: ReLU, two 1x1 convolutions, batch normalisation.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        affine: whether the normalisation has learnt parameters.
    """

    def __init__(self, inputs: int, outputs: int, affine: bool = True) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs // 2, 1, 2, bias=False)
        self.second = nn.Conv2d(inputs, outputs - outputs // 2, 1, 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs, affine=affine)

    def forward(self, x: Tensor) -> Tensor:
        value: Tensor = self.norm(halved(functional.relu(x), self.first, self.second))
        return value


def relu_conv_bn(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, affine: bool = True) -> nn.Sequential:
    """Make ReLU, a convolution that keeps the size (divided by `stride`, rounded up), and batch normalisation.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        kernel: side of the kernel in pixels, odd.
        stride: stride of the convolution.
        affine: whether the normalisation has learnt parameters.

    Returns:
        The three layers.
    """
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(nn.ReLU(), conv, nn.BatchNorm2d(outputs, affine=affine))


def _skip(channels: int, stride: int, affine: bool) -> list[nn.Module]:
    return [FactorizedReduction(channels, channels, affine)] if stride == 2 else [nn.Identity()]


def _conv(channels: int, stride: int, affine: bool, kernel: int) -> list[nn.Module]:
    return list(relu_conv_bn(channels, channels, kernel, stride, affine))


def _crossed_conv(channels: int, stride: int, affine: bool, kernel: int) -> list[nn.Module]:
    """Make a 1xk and a kx1 convolution; the stride of each acts along its own side."""
    half = kernel // 2
    row = nn.Conv2d(channels, channels, (1, kernel), (1, stride), (0, half), bias=False)
    column = nn.Conv2d(channels, channels, (kernel, 1), (stride, 1), (half, 0), bias=False)
    return [nn.ReLU(), row, column, nn.BatchNorm2d(channels, affine=affine)]


def _depthwise(channels: int, stride: int, affine: bool, kernel: int, dilation: int = 1) -> list[nn.Module]:
    padding = dilation * (kernel // 2)
    spatial = nn.Conv2d(channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False)
    mixing = nn.Conv2d(channels, channels, 1, bias=False)
    return [nn.ReLU(), spatial, mixing, nn.BatchNorm2d(channels, affine=affine)]


def _separable(channels: int, stride: int, affine: bool, kernel: int) -> list[nn.Module]:
    return [*_depthwise(channels, stride, affine, kernel), *_depthwise(channels, 1, affine, kernel)]


def _dilated(channels: int, stride: int, affine: bool, kernel: int) -> list[nn.Module]:
    return _depthwise(channels, stride, affine, kernel, dilation=2)


def _max_pool(channels: int, stride: int, affine: bool, kernel: int) -> list[nn.Module]:
    return _pooled(nn.MaxPool2d(kernel, stride, kernel // 2), channels, affine)


def _average_pool(channels: int, stride: int, affine: bool, kernel: int) -> list[nn.Module]:
    return _pooled(nn.AvgPool2d(kernel, stride, kernel // 2, count_include_pad=False), channels, affine)


def _pooled(pool: nn.Module, channels: int, affine: bool) -> list[nn.Module]:
    return [pool] if affine else [pool, nn.BatchNorm2d(channels, affine=False)]


Maker = Callable[[int, int, bool], list[nn.Module]]
_KINDS: dict[str, Callable[..., list[nn.Module]]] = {
    "conv": _conv,
    "sep_conv": _separable,
    "dil_conv": _dilated,
    "max_pool": _max_pool,
    "avg_pool": _average_pool,
}


def _maker(name: str) -> Maker:
    """Find what makes the layers of an operation such as `sep_conv_5x5` or `conv_7x1_1x7`."""
    if name == "skip_connect":
        return _skip
    kind, _, size = name.rpartition("_")
    if kind.endswith("x1"):
        return lambda channels, stride, affine: _crossed_conv(channels, stride, affine, int(size[2:]))
    return lambda channels, stride, affine: _KINDS[kind](channels, stride, affine, int(size.partition("x")[0]))


OPERATIONS: dict[str, Maker] = {name: _maker(name) for name in KNOWN_OPERATIONS}
"""What makes the layers of each operation from channels, stride and `affine`."""
