"""What the builders share: reading an architecture, and the small layers that several families use."""

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
    "tree_of",
]

Size = int | tuple[int, int]
"""Height and width of an image in pixels; one number stands for both."""


def pair(size: Size) -> tuple[int, int]:
    """Height and width."""
    return (size, size) if isinstance(size, int) else size


def tree_of(architecture: Architecture | Mapping[str, Any] | None) -> dict[str, Any]:
    """The plain JSON tree of an architecture, or of a mapping that is one already; `TrainableError` for None."""
    if isinstance(architecture, dict):
        return architecture
    if architecture is None:
        raise TrainableError("no undecided network is known of this family; give an architecture")
    tree = getattr(architecture, "tree", None)
    if not isinstance(tree, dict):
        raise ArchitectureError("", f"{architecture!r:.60} is no dict of decisions; give an Architecture of the space")
    return cast("dict[str, Any]", tree)


def option(tree: Mapping[str, Any], key: str, allowed: tuple[Any, ...], path: str) -> Any:
    """`tree[key]`, which must be one of `allowed`; else an `ArchitectureError` that names the place."""
    place = f"{path}.{key}" if path else key
    if key not in tree:
        raise ArchitectureError(place, f"missing; it must be one of {', '.join(map(repr, allowed))}")
    if tree[key] not in allowed:
        raise ArchitectureError(place, f"{tree[key]!r} is not one of {', '.join(map(repr, allowed))}")
    return tree[key]


def number(block: object, key: str, path: str, *, whole: bool = False, odd: bool = False) -> Any:
    """`block[key]`, a number above 0, `whole` or even `odd`; else an `ArchitectureError` that names the place."""
    place = f"{path}.{key}" if path else key
    rule = "an odd number of pixels" if odd else "a whole number above 0" if whole else "a number above 0"
    if not isinstance(block, Mapping) or key not in block:
        raise ArchitectureError(place, f"missing from {block!r:.100}; it is {rule}")
    value = block[key]
    kinds = int if whole or odd else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or value <= 0 or (odd and value % 2 == 0):
        raise ArchitectureError(place, f"{value!r} is not {rule}")
    return value


def conv_bn(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """A convolution that keeps the size (divided by `stride`, rounded up) and its batch normalisation."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs)]


class Subsample(nn.Module):
    """Every `stride`-th pixel, the first included: a size of n becomes n / stride, rounded up."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        return x if self.stride == 1 else x[:, :, :: self.stride, :: self.stride]


class Zero(Subsample):
    """Nothing, in the shape that an operation of this stride would have."""

    gives_zeros: ClassVar[bool] = True
    """Tells a supernet that there is nothing to compute."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(super().forward(x))


def halved(x: Tensor, first: nn.Module, second: nn.Module) -> Tensor:
    """What two 1x1 convolutions of stride 2 make of an image, stacked: `second` looks one pixel further.

    An odd image has one more row and column of zeros for the second to end on.
    """
    height, width = x.shape[2:]
    x = functional.pad(x, (0, width % 2, 0, height % 2))
    return torch.cat((first(x), second(x[:, :, 1:, 1:])), 1)


class GlobalAverage(nn.Module):
    """(n, c, h, w) to (n, c): the mean over the image."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean((2, 3))


def kaiming(network: nn.Module) -> None:
    """Normal initialisation of the convolutions by fan-out, as for ReLU networks (He et al. 2015,
    1502.01852).
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def check_drop_path(probability: object) -> None:
    """Refuse (`TrainableError`) what is no probability below 1: if all is dropped, nothing keeps the mean."""
    check_number("drop_path", probability, 0)
    if probability >= 1:  # type: ignore[operator]
        raise TrainableError(f"drop_path is {probability!r}; it must be below 1, or nothing is left")


class DropPath(nn.Module):
    """In training, zeroes the whole value of an image with `probability`, and scales the others up to the same mean
    (FractalNet, Larsson et al. 2017, 1605.07648; as in NASNet, Zoph et al. 2018, 1707.07012).

    `final`, below 1, is the probability at the end of training; `set_drop_path` moves `probability` towards it.
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
    """Let every `DropPath` of `network` drop with this share, 0 to 1, of its final probability."""
    for module in network.modules():
        if isinstance(module, DropPath):
            module.probability = module.final * share
