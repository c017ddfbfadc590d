"""The inverted residual block of the MobileNets (Sandler et al. 2018, arXiv 1801.04381; Howard et al. 2019,
1905.02244), for every family that is made of it.

A 1x1 convolution expands the channels, a depthwise convolution looks around, an optional squeeze-and-excitation weighs
the channels, and a 1x1 convolution without activation brings them down again. Numbers may be undecided values of
`search_spaces.nn`: then the block is one of a supernet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from search_spaces import nn
from search_spaces.parameters import Choice
from trainables.errors import TrainableError
from trainables.networks.base import DropPath
from trainables.networks.layers import layer

__all__ = [
    "InvertedResidual",
    "SqueezeExcitation",
    "check_channels",
    "conv_bn",
    "divisible",
    "inverted_residual",
    "mapped",
    "plain_options",
]


def divisible(channels: float, by: int = 8) -> int:
    """The multiple of `by` next to `channels`, at least `by`, and the one above where it would lose over a tenth."""
    nearest = max(by, int(channels + by / 2) // by * by)
    return nearest + by if nearest < 0.9 * channels else nearest


def mapped(function: Callable[[Any], Any], value: Any) -> Any:
    """`function(value)`, later where the value is not decided yet."""
    return value.map(function) if isinstance(value, nn.Value) else function(value)


def conv_bn(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """As in `networks.base`, for numbers that may be undecided."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs)]


class InvertedResidual(nn.Module):
    """(n, inputs, h, w) to (n, outputs, h / stride, w / stride), rounded up.

    The expanded channels are `inputs * expansion`, made divisible by 8; with an expansion of 1 nothing is expanded.
    With `residual` the input is added: `stride` must be 1 then, and `outputs` equal `inputs`; `drop_path` is the
    probability that an image goes past the block in training.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        expansion: float,
        *,
        stride: int = 1,
        activation: type[nn.Module] = nn.ReLU,
        squeeze: bool = False,
        residual: bool = False,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.kernel, self.expansion = kernel, expansion
        hidden = mapped(_expanded, inputs * expansion)
        layers: list[nn.Module] = []
        if isinstance(expansion, nn.Value) or expansion != 1:
            layers += [*conv_bn(inputs, hidden, 1), activation()]
        layers += [*conv_bn(hidden, hidden, kernel, stride, groups=hidden), activation()]
        if squeeze:
            layers.append(SqueezeExcitation(hidden))
        self.layers = nn.Sequential(*layers, *conv_bn(hidden, outputs, 1))
        self.residual = residual
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        value: Tensor = self.layers(x)
        return x + self.drop_path(value) if self.residual else value

    @torch.no_grad()
    def sort_channels(self) -> None:
        """Put the expanded channels in the order of their importance, and with it those that a squeeze leaves.

        That is the sum of the absolute weights by which the layers after them take them up (arXiv 1908.09791). What
        the block gives changes by rounding only; a narrower one of its weights keeps the leading channels.
        """
        if not isinstance(self.expansion, nn.Value) and self.expansion == 1:
            return  # the channels are those of the input, whose order others know
        parts: list[Any] = list(self.layers)
        *before, project, _ = parts
        order = _by_importance(project.weight)
        project.weight.copy_(project.weight[:, order])
        for part in before:
            if isinstance(part, SqueezeExcitation):
                part.reorder(order)
            else:
                _reorder(part, order)


inverted_residual = layer(InvertedResidual)
"""Makes one, in a way that is counted fast."""


class SqueezeExcitation(nn.Module):
    """Every channel times a number from 0 to 1 that two 1x1 convolutions find in the means of all channels, a quarter
    of them in between (Hu et al. 2018, arXiv 1709.01507).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = mapped(divisible, channels // 4)
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        squeezed = functional.relu(self.reduce(x.mean((2, 3), keepdim=True)))
        return x * functional.hardsigmoid(self.expand(squeezed))

    def reorder(self, order: Tensor) -> None:
        """Put the channels in `order`, and those in between in that of their importance."""
        self.reduce.weight.copy_(self.reduce.weight[:, order])
        _reorder(self.expand, order)
        between = _by_importance(self.expand.weight)
        self.expand.weight.copy_(self.expand.weight[:, between])
        _reorder(self.reduce, between)


def _by_importance(weight: Tensor) -> Tensor:
    """The inputs of a convolution, those with the greatest weights first."""
    return weight.abs().sum((0, 2, 3)).argsort(descending=True, stable=True)


def _reorder(part: nn.Module, order: Tensor) -> None:
    """Put the outputs of a layer in another order: all its numbers that are one a channel."""
    for values in (*part.parameters(), *part.buffers()):
        if values.dim():
            values.copy_(values[order])


def plain_options(choice: Choice) -> list[Any]:
    """What a choice among plain values chooses from."""
    return [option for _, option in choice.options.entries]


def check_channels(channels: Sequence[int], known: Sequence[int]) -> None:
    """Refuse other than as many whole numbers above 0 as `known` has."""
    good = len(channels) == len(known) and all(isinstance(count, int) and count > 0 for count in channels)
    if not good:
        raise TrainableError(f"channels is {channels!r}; it must be {len(known)} whole numbers above 0, as in {known}")


def _expanded(channels: float) -> int:
    return divisible(round(channels))
