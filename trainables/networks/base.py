"""Functions that read an architecture, and small layers, for several families of networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from search_spaces.errors import ArchitectureError
from trainables.errors import TrainableError
from trainables.settings import check_number

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = [
    "DropPath",
    "GlobalAverage",
    "Size",
    "Subsample",
    "Zero",
    "check_drop_path",
    "conv_bn",
    "halved",
    "kaiming",
    "number",
    "option",
    "pair",
    "set_drop_path",
    "share",
    "tree_of",
]

Size = int | tuple[int, ...]
"""Height and width of an image in pixels, one number stands for both; or depth, height and width of a volume."""


def pair(size: Size) -> tuple[int, int]:
    """Expand a size to height and width.

    Args:
        size: one number for both, or a pair.

    Returns:
        Height and width in pixels.

    Raises:
        TrainableError: it is the size of a volume.
    """
    if isinstance(size, int):
        return size, size
    if len(size) != 2:
        raise TrainableError(
            f"image_size is {size!r}, that of volumes, and this network takes images; take a space of volumes, such as "
            "chain3d"
        )
    height, width = size
    return height, width


def tree_of(architecture: Architecture | Mapping[str, Any] | None) -> dict[str, Any]:
    """Take the plain tree of an architecture.

    Args:
        architecture: an `Architecture`, or its tree.

    Returns:
        The tree of nested dicts and lists.

    Raises:
        TrainableError: the architecture is None.
        ArchitectureError: it has no tree.
    """
    if isinstance(architecture, dict):
        return architecture
    if architecture is None:
        raise TrainableError("this family has no supernet; give an architecture")
    tree = getattr(architecture, "tree", None)
    if not isinstance(tree, dict):
        raise ArchitectureError(
            "", f"{architecture!r:.60} is not a dict of decisions; give an Architecture of the space"
        )
    return cast("dict[str, Any]", tree)


def option(tree: Mapping[str, Any], key: str, allowed: tuple[Any, ...], path: str) -> Any:
    """Read a decision among options.

    Args:
        tree: the decisions at this place.
        key: the name of the decision.
        allowed: the options.
        path: the path of `tree` in the architecture, for messages.

    Returns:
        The decision.

    Raises:
        ArchitectureError: the decision is missing or not allowed.
    """
    place = f"{path}.{key}" if path else key
    if key not in tree:
        raise ArchitectureError(place, f"missing; it must be one of {', '.join(map(repr, allowed))}")
    if tree[key] not in allowed:
        raise ArchitectureError(place, f"{tree[key]!r} is not one of {', '.join(map(repr, allowed))}")
    return tree[key]


def number(block: object, key: str, path: str, *, whole: bool = False, odd: bool = False) -> Any:
    """Read a decision that is a number above 0.

    Args:
        block: the decisions at this place.
        key: the name of the decision.
        path: the path of `block` in the architecture, for messages.
        whole: whether the number must be whole.
        odd: whether the number must be whole and odd, as the size of a kernel.

    Returns:
        The number.

    Raises:
        ArchitectureError: the decision is missing or no such number.
    """
    place = f"{path}.{key}" if path else key
    rule = "an odd number of pixels" if odd else "a whole number above 0" if whole else "a number above 0"
    if not isinstance(block, Mapping) or key not in block:
        raise ArchitectureError(place, f"missing from {block!r:.100}; it is {rule}")
    value = block[key]
    kinds = int if whole or odd else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or value <= 0 or (odd and value % 2 == 0):
        raise ArchitectureError(place, f"{value!r} is not {rule}")
    return value


def share(block: Mapping[str, Any], key: str, path: str) -> float:
    """Read a decision that is a share, such as a probability of dropout.

    Args:
        block: the decisions at this place.
        key: the name of the decision.
        path: the path of `block` in the architecture, for messages.

    Returns:
        The share.

    Raises:
        ArchitectureError: the decision is missing or no number from 0 to below 1.
    """
    value = block.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1:
        place = f"{path}.{key}" if path else key
        raise ArchitectureError(place, f"{value!r} is not allowed; it is a share from 0 to below 1")
    return float(value)


def conv_bn(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, *, dimensions: int = 2
) -> list[nn.Module]:
    """Make a convolution that keeps the size (divided by `stride`, rounded up), and its batch normalisation.

    Args:
        inputs: channels of the input.
        outputs: channels of the output.
        kernel: side of the kernel in pixels, odd.
        stride: stride of the convolution.
        groups: groups of channels.
        dimensions: 2 for images, 3 for volumes.

    Returns:
        The two layers.
    """
    if dimensions == 3:
        conv_3d = nn.Conv3d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        return [conv_3d, nn.BatchNorm3d(outputs)]
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs)]


class Subsample(nn.Module):
    """Every `stride`-th pixel, the first included: a size of n becomes n / stride, rounded up.

    Args:
        stride: the step in pixels.
    """

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 1:
            return x
        if x.dim() == 5:
            return x[:, :, :: self.stride, :: self.stride, :: self.stride]
        return x[:, :, :: self.stride, :: self.stride]


class Zero(Subsample):
    """Zeros, in the shape that an operation of this stride would have."""

    gives_zeros: ClassVar[bool] = True
    """Marks an operation whose computation a supernet may skip."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(super().forward(x))


def halved(x: Tensor, first: nn.Module, second: nn.Module) -> Tensor:
    """Halve an image by two 1x1 convolutions of stride 2, the second shifted by one pixel (factorized reduction).

    Sizes are rounded up: an image of odd size is padded with zeros below and on the right.

    Args:
        x: (n, c, h, w).
        first: convolution of the pixels at even positions, to (n, c1, ..).
        second: convolution of the pixels at odd positions, to (n, c2, ..).

    Returns:
        (n, c1 + c2, h / 2, w / 2), rounded up.
    """
    height, width = x.shape[2:]
    x = functional.pad(x, (0, width % 2, 0, height % 2))
    return torch.cat((first(x), second(x[:, :, 1:, 1:])), 1)


class GlobalAverage(nn.Module):
    """(n, c, h, w) to (n, c): the mean over the image; that over a volume where there are three sides."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3)) if x.dim() == 4 else x.mean((2, 3, 4))


def kaiming(network: nn.Module) -> None:
    """Initialise convolutions from a normal distribution by fan-out, as for ReLU networks (He et al. 2015, 1502.01852).

    Args:
        network: the network, changed in place.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def check_drop_path(probability: object) -> None:
    """Check the probability of drop path. At 1 every value would be dropped, and nothing could be scaled up.

    Args:
        probability: the value of the setting.

    Raises:
        TrainableError: the value is not a number from 0 to below 1.
    """
    check_number("drop_path", probability, 0)
    if probability >= 1:  # type: ignore[operator]
        raise TrainableError(f"drop_path is {probability!r}; it must be below 1, or nothing is left")


class DropPath(nn.Module):
    """In training, zeroes the whole value of an image with `probability`, and scales the others up to the same mean
    (FractalNet, Larsson et al. 2017, 1605.07648; as in NASNet, Zoph et al. 2018, 1707.07012).

    Args:
        final: the probability at the end of training, below 1. `set_drop_path` raises `probability` towards it.
    """

    def __init__(self, final: float) -> None:
        super().__init__()
        check_drop_path(final)
        self.final = self.probability = final

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.probability:
            return x
        kept = torch.empty((len(x), *[1] * (x.dim() - 1)), dtype=x.dtype, device=x.device)
        return x * (kept.bernoulli_(1 - self.probability) / (1 - self.probability))

    def extra_repr(self) -> str:
        return f"final={self.final}"


def set_drop_path(network: nn.Module, share: float) -> None:
    """Set the probability of every `DropPath` of a network.

    Args:
        network: the network, changed in place.
        share: share of the final probability, 0 to 1.
    """
    for module in network.modules():
        if isinstance(module, DropPath):
            module.probability = module.final * share
