"""Networks of the `resnet` space: AnyNetX (Radosavovic et al. 2020, arXiv 2003.13678), which includes RegNets.

A network is a stem, stages of bottleneck blocks, global average and a linear layer. A block is a 1x1 convolution, a 3x3
convolution in groups and a 1x1 convolution, each with batch normalisation, added to its input (through a 1x1
convolution where the shapes differ). The first block of a stage halves the image; the first stage on CIFAR's stem keeps
it. With `squeeze` the blocks squeeze and excite (RegNetY). RegNetX-400MF has 5,495,976 parameters, RegNetX-1.6GF
9,190,136.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from search_spaces.catalogue.resnet import Stage, fitted
from search_spaces.errors import ArchitectureError
from search_spaces.whole_numbers import is_whole
from trainables.networks.base import GlobalAverage, conv_bn, kaiming, tree_of
from trainables.networks.examples import images
from trainables.networks.family import Family
from trainables.networks.layers import layer
from trainables.settings import check_name, check_number

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["FAMILY", "ResNet", "build_resnet"]

STEMS = ("cifar", "imagenet")
DECISIONS = ("depth", "width", "bottleneck_ratio", "group_width")


def build_resnet(
    architecture: Architecture | Mapping[str, Any],
    *,
    num_classes: int,
    in_channels: int,
    stem: str = "cifar",
    stem_width: int = 32,
    squeeze: float = 0.0,
    width: float = 1.0,
) -> nn.Module:
    """Build the network of one member.

    Args:
        architecture: a member of `resnet`, or its tree.
        num_classes: number of logits.
        in_channels: channels of the images.
        stem: a 3x3 convolution of stride 1 ("cifar") or 2 ("imagenet").
        stem_width: channels of the stem.
        squeeze: width of squeeze and excitation as a share of the input of a block; 0 for none, RegNetY has 0.25.
        width: factor of the widths of all stages.

    Returns:
        Images (n, in_channels, h, w) of any size to (n, num_classes) logits.

    Raises:
        TrainableError: a setting has a wrong value.
        ArchitectureError: a stage breaks the form; the message gives the path.
    """
    check_name("stem", stem, STEMS)
    check_number("stem_width", stem_width, 1, whole=True)
    check_number("squeeze", squeeze, 0, 1)
    check_number("width", width, 0, open_low=True)
    stages = [fitted(stage, width) for stage in _stages(architecture)]
    return ResNet(stages, num_classes, in_channels, stem_width, stride=STEMS.index(stem) + 1, squeeze=squeeze)


def _stages(architecture: Architecture | Mapping[str, Any]) -> list[dict[str, int]]:
    stages = tree_of(architecture).get("stages")
    if not isinstance(stages, list) or not stages:
        raise ArchitectureError("stages", f"{stages!r} is not a list of at least one stage")
    for index, stage in enumerate(stages):
        for name in DECISIONS:
            value = stage.get(name) if isinstance(stage, Mapping) else None
            if not is_whole(value, 1):
                raise ArchitectureError(f"stages.{index}.{name}", f"{value!r} is not allowed; it is a number above 0")
    return stages


class ResNet(nn.Module):
    """Images (n, in_channels, h, w) of any size to (n, num_classes) logits.

    Args:
        stages: depth and widths of each stage.
        num_classes: number of logits.
        in_channels: channels of the images.
        stem_width: channels of the stem.
        stride: stride of the stem, 1 or 2.
        squeeze: width of squeeze and excitation as a share of the input of a block; 0 for none.
    """

    def __init__(
        self, stages: list[Stage], num_classes: int, in_channels: int, stem_width: int, *, stride: int, squeeze: float
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(*conv_bn(in_channels, stem_width, 3, stride), nn.ReLU())
        inputs, self.stages = stem_width, nn.Sequential()
        for index, stage in enumerate(stages):
            shrink = 1 if index == 0 and stride == 1 else 2
            first = _bottleneck(inputs, stage, shrink, squeeze)
            rest = [_bottleneck(stage.width, stage, 1, squeeze) for _ in range(stage.depth - 1)]
            self.stages.append(nn.Sequential(first, *rest))
            inputs = stage.width
        self.pool = GlobalAverage()
        self.classifier = nn.Linear(inputs, num_classes)
        kaiming(self)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.pool(self.stages(self.stem(x))))
        return logits


class Bottleneck(nn.Module):
    """f(x) + x, f being three convolutions.

    Args:
        inputs: channels of the input.
        stage: the stage of the block, with its widths.
        stride: 1, or 2 to halve the image.
        squeeze: width of squeeze and excitation as a share of `inputs`; 0 for none.
    """

    def __init__(self, inputs: int, stage: Stage, stride: int, squeeze: float) -> None:
        super().__init__()
        excite = [Excite(stage.inner, max(1, round(squeeze * inputs)))] if squeeze else []
        self.path = nn.Sequential(
            *conv_bn(inputs, stage.inner, 1),
            nn.ReLU(),
            *conv_bn(stage.inner, stage.inner, 3, stride, stage.groups),
            nn.ReLU(),
            *excite,
            *conv_bn(stage.inner, stage.width, 1),
        )
        same = inputs == stage.width and stride == 1
        self.shortcut = nn.Identity() if same else nn.Sequential(*conv_bn(inputs, stage.width, 1, stride))

    def forward(self, x: Tensor) -> Tensor:
        value: Tensor = nn.functional.relu(self.shortcut(x) + self.path(x))
        return value


class Excite(nn.Module):
    """Each channel times a number between 0 and 1 that depends on all channels (Hu et al. 2018, arXiv 1709.01507).

    Args:
        channels: channels of input and output.
        inside: channels between the two convolutions.
    """

    def __init__(self, channels: int, inside: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, inside, 1)
        self.excite = nn.Conv2d(inside, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean((2, 3), keepdim=True)
        value: Tensor = x * self.excite(nn.functional.relu(self.squeeze(mean))).sigmoid()
        return value


_bottleneck = layer(Bottleneck)


FAMILY = Family(build_resnet, images, undecided=False)
