"""Networks of the `mobilenetv3` space (Once-for-All, Cai et al. 2020, arXiv 1908.09791), with MobileNetV3's
(Howard et al. 2019, 1905.02244) layout.

A 3x3 stem of stride 2 and one fixed block; five stages of inverted residuals, the first block of each with the stride
of the stage; a 1x1 convolution, global average, a linear layer to 1280 features and the classifier. Stages 2, 4 and 5
squeeze and excite; the fixed block and stages 1 and 2 use ReLU, everything else hard swish. All channels are multiples
of 8. With 1000 classes and width 1.0 (1.2) the networks have 3,410,792 (4,602,456) to 7,664,760 (10,701,632)
parameters. The authors' supernet has 7,678,880: each of its 20 blocks adds a 25x25 and a 9x9 matrix, which compute a
kernel of 5 from the kernel of 7, and a kernel of 3 from that. Here a smaller kernel is the centre of a larger one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from torch import Tensor
from torch.nn import functional

import search_spaces
from search_spaces import nn
from search_spaces.catalogue.mobilenetv3 import STAGES
from search_spaces.errors import ArchitectureError
from trainables.errors import TrainableError
from trainables.networks.base import GlobalAverage, check_drop_path, kaiming, number, tree_of
from trainables.networks.examples import images
from trainables.networks.family import Family
from trainables.networks.inverted_residual import (
    InvertedResidual,
    check_channels,
    divisible,
    inverted_residual,
    map_number,
    plain_options,
    undecided_conv_bn,
)
from trainables.settings import check_flag, check_number

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["CHANNELS", "FAMILY", "MobileNetV3", "build_mobilenetv3"]

CHANNELS = (16, 16, 24, 40, 80, 112, 160, 960, 1280)
"""Channels of the stem, the fixed block, the stages, the last convolution and the last features, at width 1."""
STRIDES = (2, 2, 2, 1, 2)
SQUEEZES = (False, True, False, True, True)
ACTIVATIONS = (nn.ReLU, nn.ReLU, nn.Hardswish, nn.Hardswish, nn.Hardswish)

Block = Callable[[int, int, float], nn.Module]
"""Makes a block from its index in the stage, its kernel and its expansion."""
Decisions = tuple[int, float, list[Callable[[Block], nn.Module]]]
"""Resolution, width, and for every stage what makes it; either all decided or all undecided."""


def build_mobilenetv3(
    architecture: Architecture | Mapping[str, Any] | None,
    *,
    num_classes: int,
    in_channels: int,
    scale: float = 1.0,
    channels: Sequence[int] = CHANNELS,
    dropout: float = 0.0,
    drop_path: float = 0.0,
    head_bias: bool = False,
    resize: bool = True,
    choices: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Build the network of one member, or the undecided one.

    Args:
        architecture: a member of `mobilenetv3`, or its tree. None builds the undecided network.
        num_classes: number of logits.
        in_channels: channels of the images.
        scale: factor of the width of the architecture, for small networks.
        channels: nine numbers of channels at width 1, as in `CHANNELS`.
        dropout: probability of dropout before the classifier.
        drop_path: probability of drop path in the blocks at the end of training.
        head_bias: whether the layer to the features before the classifier has a bias, as in the network of
            MobileNetV3's
            own paper; that of Once-for-All has none.
        resize: whether images are first resized to the resolution of the architecture.
        choices: settings of the space, from which an undecided network chooses.

    Returns:
        Images (n, in_channels, h, w) to (n, num_classes) logits.

    Raises:
        TrainableError: a setting has a wrong value.
        ArchitectureError: a block breaks the form; the message gives the path.
    """
    check_number("scale", scale, 0, open_low=True)
    check_number("dropout", dropout, 0, 1)
    check_drop_path(drop_path)
    check_flag("head_bias", head_bias)
    check_flag("resize", resize)
    check_channels(channels, CHANNELS)
    resolution, width, stages = _undecided(choices or {}) if architecture is None else _decided(tree_of(architecture))
    return MobileNetV3(
        stages,
        resolution=resolution,
        width=width * scale,
        num_classes=num_classes,
        in_channels=in_channels,
        channels=channels,
        dropout=dropout,
        drop_path=drop_path,
        head_bias=head_bias,
        resize=resize,
    )


def _decided(tree: Mapping[str, Any]) -> Decisions:
    stages: Any = [partial(_sequence, _read_stage(tree, stage)) for stage in STAGES]
    return number(tree, "resolution", "", whole=True), number(tree, "width", ""), stages


def _read_stage(tree: Mapping[str, Any], stage: str) -> list[tuple[int, float]]:
    """Read kernel and expansion of every block of a stage."""
    blocks = tree.get(stage)
    if not isinstance(blocks, list) or not blocks:
        raise ArchitectureError(stage, f"{blocks!r} is not a list of at least one block")
    found = []
    for index, block in enumerate(blocks):
        path = f"{stage}.{index}"
        found.append((number(block, "kernel", path, odd=True), number(block, "expansion", path)))
    return found


def _sequence(blocks: list[tuple[int, float]], block: Block) -> nn.Module:
    return nn.Sequential(*(block(index, kernel, expansion) for index, (kernel, expansion) in enumerate(blocks)))


def _undecided(choices: Mapping[str, Any]) -> Decisions:
    tree: Any = search_spaces.get("mobilenetv3", **choices).declared
    resolution: Any = nn.ValueChoice(plain_options(tree["resolution"]), label="resolution")
    width: Any = nn.ValueChoice(plain_options(tree["width"]), label="width")
    stages: Any = [partial(_repeated, tree[stage]) for stage in STAGES]
    return resolution, width, stages


def _repeated(stage: Any, block: Block) -> nn.Module:
    """Make an undecided stage from the declaration of its `repeat`."""
    kernels, expansions = (plain_options(stage.subtree[key]) for key in ("kernel", "expansion"))
    if 1 in expansions:
        raise TrainableError("choices: an undecided block has a layer that expands; leave 1 out of the expansions")

    def choosing(index: int) -> nn.Module:
        return block(index, nn.ValueChoice(kernels), nn.ValueChoice(expansions))

    return nn.Repeat(choosing, (stage.low, stage.high))


class MobileNetV3(nn.Module):
    """Images (n, in_channels, h, w) to (n, num_classes) logits.

    Args:
        stages: for each stage, what makes it from a function that makes a block.
        resolution: side in pixels to which images are resized.
        width: factor of the channels.
        num_classes: number of logits.
        in_channels: channels of the images.
        channels: nine numbers of channels at width 1, as in `CHANNELS`.
        dropout: probability of dropout before the classifier.
        drop_path: probability of drop path in the blocks at the end of training.
        head_bias: whether the layer to the features before the classifier has a bias.
        resize: whether images are resized; without it they keep their size.
    """

    def __init__(
        self,
        stages: Sequence[Callable[[Block], nn.Module]],
        *,
        resolution: int,
        width: float,
        num_classes: int,
        in_channels: int,
        channels: Sequence[int],
        dropout: float,
        drop_path: float,
        head_bias: bool,
        resize: bool,
    ) -> None:
        super().__init__()
        self.resolution, self.resize = resolution, resize
        stem, fixed, *_, before, last, features = (map_number(divisible, width * count) for count in channels)
        self.stem = nn.Sequential(*undecided_conv_bn(in_channels, stem, 3, 2), nn.Hardswish())
        self.fixed = InvertedResidual(stem, fixed, 3, 1, residual=channels[0] == channels[1], drop_path=drop_path)
        for index, (name, stage) in enumerate(zip(STAGES, stages, strict=True)):
            self.add_module(name, stage(partial(_block, index, width, channels[1:], drop_path)))
        self.last = nn.Sequential(*undecided_conv_bn(before, last, 1), nn.Hardswish(), GlobalAverage())
        self.features = nn.Sequential(nn.Linear(last, features, bias=head_bias), nn.Hardswish(), nn.Dropout(dropout))
        self.classifier = nn.Linear(features, num_classes)
        kaiming(self)

    def forward(self, x: Tensor) -> Tensor:
        size = nn.current(self.resolution)
        if self.resize and x.shape[2:] != (size, size):
            x = functional.interpolate(x, (size, size), mode="bilinear", align_corners=False)
        for part in self.children():
            x = part(x)
        return x


def _block(
    stage: int, width: float, channels: Sequence[int], drop_path: float, index: int, kernel: int, expansion: float
) -> nn.Module:
    """Make block `index` of a stage. `channels` begin with those of the fixed block, at width 1."""
    before, after = channels[stage + (index > 0)], channels[stage + 1]
    stride = 1 if index else STRIDES[stage]
    return inverted_residual(
        map_number(divisible, width * before),
        map_number(divisible, width * after),
        kernel,
        expansion,
        stride=stride,
        activation=ACTIVATIONS[stage],
        squeeze=SQUEEZES[stage],
        residual=stride == 1 and before == after,
        drop_path=drop_path,
    )


FAMILY = Family(build_mobilenetv3, images, undecided=True)
