"""What the builders share: reading an architecture, and the small layers that several families use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from torch import Tensor, nn

from search_spaces.errors import ArchitectureError

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["GlobalAverage", "Size", "conv_bn", "kaiming", "option", "tree_of"]

Size = int | tuple[int, int]
"""Height and width of an image in pixels; one number stands for both."""


def tree_of(architecture: Architecture | Mapping[str, Any]) -> dict[str, Any]:
    """The plain JSON tree of an architecture, or of a mapping that is one already."""
    if isinstance(architecture, dict):
        return architecture
    tree = getattr(architecture, "tree", None)
    if not isinstance(tree, dict):
        raise ArchitectureError("", f"{architecture!r} is no dict of decisions; give an Architecture of the space")
    return cast("dict[str, Any]", tree)


def option(tree: Mapping[str, Any], key: str, allowed: tuple[Any, ...], path: str) -> Any:
    """`tree[key]`, which must be one of `allowed`; else an `ArchitectureError` that names the place."""
    place = f"{path}.{key}" if path else key
    if key not in tree:
        raise ArchitectureError(place, f"missing; it must be one of {', '.join(map(repr, allowed))}")
    if tree[key] not in allowed:
        raise ArchitectureError(place, f"{tree[key]!r} is not one of {', '.join(map(repr, allowed))}")
    return tree[key]


def conv_bn(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """A convolution that keeps the size (divided by `stride`, rounded up) and its batch normalisation."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs)]


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
