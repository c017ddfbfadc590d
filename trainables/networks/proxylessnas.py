"""Networks of the `proxylessnas` space (Cai et al. 2019, arXiv 1812.00332).

A 3x3 stem of stride 2 and one fixed block; six stages of inverted residuals, the first block of each with the stride
of the stage; a 1x1 convolution to 1280 channels, global average and the classifier; ReLU6 everywhere. With 1000
classes all candidates of all blocks together have 16,034,168 weights. The networks that the authors published are
members at other `channels`: that for a phone (4,080,512 parameters) at (32, 16, 32, 40, 80, 96, 192, 320, 1280), that
for a GPU (7,119,848) at (40, 24, 32, 56, 112, 128, 256, 432, 1728).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from torch import Tensor

import search_spaces
from search_spaces import nn
from search_spaces.catalogue.proxylessnas import ZERO, operations
from search_spaces.errors import ArchitectureError
from search_spaces.names import did_you_mean
from trainables.networks.base import GlobalAverage, check_drop_path, conv_bn, kaiming, tree_of
from trainables.networks.examples import images
from trainables.networks.family import Family
from trainables.networks.inverted_residual import (
    InvertedResidual,
    check_channels,
    divisible,
    inverted_residual,
    plain_options,
)
from trainables.settings import check_number

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["CHANNELS", "FAMILY", "ProxylessNAS", "build_proxylessnas"]

CHANNELS = (32, 16, 24, 40, 80, 96, 192, 320, 1280)
"""Channels of the stem, the fixed block, the stages, and the features before the classifier."""
STRIDES = (2, 2, 2, 1, 2, 1)
_NAME = re.compile(r"mbconv([1-9]\d*)_(\d*[13579])x\2")
EPSILON = 1e-3
"""The constant of the authors' batch normalisations."""

Slot = Callable[[Callable[[int, int], nn.Module]], nn.Module]
"""Makes one block, given a function that makes an inverted residual from kernel and expansion."""


def build_proxylessnas(
    architecture: Architecture | Mapping[str, Any] | None,
    *,
    num_classes: int,
    in_channels: int,
    scale: float = 1.0,
    channels: Sequence[int] = CHANNELS,
    dropout: float = 0.0,
    drop_path: float = 0.0,
    choices: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Build the network of one member, or the undecided one.

    Args:
        architecture: a member of `proxylessnas`, or its tree. None builds the undecided network.
        num_classes: number of logits.
        in_channels: channels of the images.
        scale: factor of the `channels`, for small networks.
        channels: nine numbers of channels, as in `CHANNELS`.
        dropout: probability of dropout before the classifier.
        drop_path: probability of drop path in the blocks at the end of training.
        choices: settings of the space, from which an undecided network chooses.

    Returns:
        Images (n, in_channels, h, w) of any size to (n, num_classes) logits.

    Raises:
        TrainableError: a setting has a wrong value.
        ArchitectureError: a block breaks the form; the message gives the path.
    """
    check_number("scale", scale, 0, open_low=True)
    check_number("dropout", dropout, 0, 1)
    check_drop_path(drop_path)
    check_channels(channels, CHANNELS)
    stages = _undecided(choices or {}) if architecture is None else _decided(tree_of(architecture))
    return ProxylessNAS(
        stages,
        num_classes=num_classes,
        in_channels=in_channels,
        channels=channels,
        scale=scale,
        dropout=dropout,
        drop_path=drop_path,
    )


def _decided(tree: Mapping[str, Any]) -> list[list[Slot]]:
    stages = [_names(tree, f"stage_{index}") for index in range(1, len(STRIDES) + 1)]
    found: list[list[Slot]] = []
    for names in stages:
        found.append([partial(_operation, name) for name in names])
    return found


def _undecided(choices: Mapping[str, Any]) -> list[list[Slot]]:
    tree: Any = search_spaces.get("proxylessnas", **choices).declared
    found: list[list[Slot]] = []
    for stage in tree.values():
        found.append([partial(_mixed, plain_options(block)) for block in stage.values()])
    return found


class ProxylessNAS(nn.Module):
    """Images (n, in_channels, h, w) of any size to (n, num_classes) logits.

    Args:
        stages: for each stage its blocks. A block is a function that takes what makes an inverted residual from kernel
            and
            expansion.
        num_classes: number of logits.
        in_channels: channels of the images.
        channels: nine numbers of channels, as in `CHANNELS`.
        scale: factor of the `channels`.
        dropout: probability of dropout before the classifier.
        drop_path: probability of drop path in the blocks at the end of training.
    """

    def __init__(
        self,
        stages: Sequence[Sequence[Slot]],
        *,
        num_classes: int,
        in_channels: int,
        channels: Sequence[int],
        scale: float,
        dropout: float,
        drop_path: float,
    ) -> None:
        super().__init__()
        stem, fixed, *widths, features = (divisible(scale * count) for count in channels)
        self.stem = nn.Sequential(*conv_bn(in_channels, stem, 3, 2), nn.ReLU6())
        self.fixed = InvertedResidual(stem, fixed, 3, 1, activation=nn.ReLU6)
        before = fixed
        for number, (slots, width, stride) in enumerate(zip(stages, widths, STRIDES, strict=True), 1):
            stage = nn.Sequential()
            for index, fill in enumerate(slots, 1):
                shape = {"stride": stride} if index == 1 else {"residual": True, "drop_path": drop_path}
                make = partial(inverted_residual, before, width, activation=nn.ReLU6, **shape)
                stage.add_module(f"block_{index}", fill(make))
                before = width
            self.add_module(f"stage_{number}", stage)
        self.last = nn.Sequential(*conv_bn(before, features, 1), nn.ReLU6(), GlobalAverage())
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(features, num_classes))
        kaiming(self)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps = EPSILON

    def forward(self, x: Tensor) -> Tensor:
        for part in self.children():
            x = part(x)
        return x


def _names(tree: Mapping[str, Any], stage: str) -> Iterator[str]:
    """Read the operations of a stage, in order."""
    blocks = tree.get(stage)
    if not isinstance(blocks, dict) or not blocks:
        raise ArchitectureError(stage, f"{blocks!r} is not a dict of at least one block")
    for index in range(1, len(blocks) + 1):
        path = f"{stage}.block_{index}"
        if f"block_{index}" not in blocks:
            raise ArchitectureError(path, f"missing; a stage has block_1, block_2, .., here are {', '.join(blocks)}")
        yield _checked(blocks[f"block_{index}"], path, first=index == 1)


def _checked(name: object, path: str, *, first: bool) -> str:
    """Check that `name` is an operation that is allowed here, and return it."""
    known = operations() if first else (*operations(), ZERO)
    if isinstance(name, str) and (_NAME.fullmatch(name) or name in known):
        return name
    why = " (a first block changes the shape)" if name == ZERO else ""
    close = did_you_mean(name, known) if isinstance(name, str) else ""
    raise ArchitectureError(path, f"{name!r} is not allowed here{why}{close}; allowed: {', '.join(known)}")


def _operation(name: str, make: Callable[[int, int], nn.Module]) -> nn.Module:
    """Make the block of this name; the operation zero leaves only the shortcut of the block."""
    if name == ZERO:
        return nn.Identity()
    expansion, kernel = name.removeprefix("mbconv").split("_")
    return make(int(kernel.partition("x")[0]), int(expansion))


def _mixed(names: list[str], make: Callable[[int, int], nn.Module]) -> nn.Module:
    return nn.LayerChoice({name: _operation(name, make) for name in names})


FAMILY = Family(build_proxylessnas, images, undecided=True)
