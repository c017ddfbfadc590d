"""The inverted residual block of the MobileNets (Sandler et al. 2018, arXiv 1801.04381; Howard et al. 2019,
1905.02244).

A 1x1 convolution expands the channels, a depthwise convolution follows, an optional squeeze and excitation weighs the
channels, and a 1x1 convolution without activation reduces them again. Numbers may be undecided values of
`search_spaces.nn`: then the block belongs to a supernet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from search_spaces import nn
from search_spaces.parameters import Choice
from search_spaces.whole_numbers import is_whole
from trainables.errors import TrainableError
from trainables.networks.base import DropPath
from trainables.networks.layers import layer

__all__ = [
    "InvertedResidual",
    "SqueezeExcitation",
    "check_channels",
    "divisible",
    "inverted_residual",
    "map_number",
    "plain_options",
    "undecided_conv_bn",
]


def divisible(channels: float, by: int = 8) -> int:
    """Round channels to the nearest multiple of `by`, or to the next one up where the nearest loses more than a tenth.

    Args:
        channels: the wanted number.
        by: the divisor, and the least result.

    Returns:
        The rounded number.
    """
    nearest = max(by, int(channels + by / 2) // by * by)
    return nearest + by if nearest < 0.9 * channels else nearest


def map_number(function: Callable[[Any], Any], value: Any) -> Any:
    """Apply a function to a number that may be undecided.

    Args:
        function: a function of a number.
        value: a number, or a `search_spaces.nn.Value`.

    Returns:
        The result; for an undecided number an undecided result.
    """
    return value.map(function) if isinstance(value, nn.Value) else function(value)


def undecided_conv_bn(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Make a convolution and its batch normalisation as `networks.base.conv_bn`, for numbers that may be undecided.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        kernel: side of the kernel in pixels, odd.
        stride: stride of the convolution.
        groups: groups of channels.

    Returns:
        The two layers.
    """
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs)]


class InvertedResidual(nn.Module):
    """(n, inputs, h, w) to (n, outputs, h / stride, w / stride), rounded up.

    The channels between the convolutions are `inputs * expansion`, rounded to a multiple of 8. An expansion of 1 leaves
    out the first convolution.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        kernel: side of the depthwise kernel in pixels, odd.
        expansion: factor of the channels between the convolutions.
        stride: stride of the depthwise convolution.
        activation: class of the activation after the first two convolutions.
        squeeze: whether the block squeezes and excites.
        residual: whether the input is added; needs `stride` 1 and `outputs` equal to `inputs`.
        drop_path: with `residual`, the probability that an image skips the block in training.
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
        hidden = map_number(_expanded, inputs * expansion)
        layers: list[nn.Module] = []
        if isinstance(expansion, nn.Value) or expansion != 1:
            layers += [*undecided_conv_bn(inputs, hidden, 1), activation()]
        layers += [*undecided_conv_bn(hidden, hidden, kernel, stride, groups=hidden), activation()]
        if squeeze:
            layers.append(SqueezeExcitation(hidden))
        self.layers = nn.Sequential(*layers, *undecided_conv_bn(hidden, outputs, 1))
        self.residual = residual
        self.drop_path = DropPath(drop_path)

    def forward(self, x: Tensor) -> Tensor:
        value: Tensor = self.layers(x)
        return x + self.drop_path(value) if self.residual else value

    @torch.no_grad()
    def sort_channels(self) -> None:
        """Sort the expanded channels by importance, and likewise the channels inside squeeze and excitation.

        The importance of a channel is the sum of the absolute weights of the layer that reads it (arXiv 1908.09791).
        The output of the block changes by rounding only. A narrower block, which uses the leading channels, keeps the
        important ones.
        """
        if not isinstance(self.expansion, nn.Value) and self.expansion == 1:
            return  # the channels are those of the input, and other layers rely on their order
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
"""Makes a block; while networks are measured, each different block is made only once."""


class SqueezeExcitation(nn.Module):
    """Every channel times a number from 0 to 1 that two 1x1 convolutions compute from the means of all channels, with a
    quarter of the channels between them (Hu et al. 2018, arXiv 1709.01507).

    Args:
        channels: channels of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = map_number(divisible, channels // 4)
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        squeezed = functional.relu(self.reduce(x.mean((2, 3), keepdim=True)))
        return x * functional.hardsigmoid(self.expand(squeezed))

    def reorder(self, order: Tensor) -> None:
        """Reorder the channels, and sort the channels between the convolutions by importance.

        Args:
            order: (channels,), the present index of each new channel.
        """
        self.reduce.weight.copy_(self.reduce.weight[:, order])
        _reorder(self.expand, order)
        between = _by_importance(self.expand.weight)
        self.expand.weight.copy_(self.expand.weight[:, between])
        _reorder(self.reduce, between)


def _by_importance(weight: Tensor) -> Tensor:
    """Sort the inputs of a convolution, those with the greatest weights first."""
    return weight.abs().sum((0, 2, 3)).argsort(descending=True, stable=True)


def _reorder(part: nn.Module, order: Tensor) -> None:
    """Reorder the outputs of a layer: all its tensors that have one entry per channel."""
    for values in (*part.parameters(), *part.buffers()):
        if values.dim():
            values.copy_(values[order])


def plain_options(choice: Choice) -> list[Any]:
    """List the options of a choice among plain values.

    Args:
        choice: the declaration of the choice.

    Returns:
        The values.
    """
    return [option for _, option in choice.options.entries]


def check_channels(channels: Sequence[int], known: Sequence[int]) -> None:
    """Check a list of channels.

    Args:
        channels: the value of the setting.
        known: the default, which has the right length.

    Raises:
        TrainableError: the value is not as many whole numbers above 0 as the default.
    """
    good = len(channels) == len(known) and all(is_whole(count, 1) for count in channels)
    if not good:
        raise TrainableError(f"channels is {channels!r}; it must be {len(known)} whole numbers above 0, as in {known}")


def _expanded(channels: float) -> int:
    return divisible(round(channels))
