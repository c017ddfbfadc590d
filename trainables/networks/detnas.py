"""Networks of the `detnas` space (Chen et al. 2019, arXiv 1903.10979): backbones of ShuffleNetV2 blocks in a detector.

With the widths of the paper (`scale=1`) and the blocks of ShuffleNetV2 a backbone has stages of 64, 160, 320 and 640
channels. The features of strides 8, 16 and 32 go into a pyramid and a head that are the same for all members. Without
an architecture the blocks are choices: a supernet of backbones with one detector (`spos`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from torch import Tensor

import search_spaces
from search_spaces import nn
from search_spaces.catalogue.detnas import BLOCKS, DEPTHS
from search_spaces.errors import ArchitectureError
from trainables.errors import TrainableError
from trainables.networks.base import Size, conv_bn, kaiming, option, pair, tree_of
from trainables.networks.detector.blocks import block
from trainables.networks.detector.builder import pyramid_and_head
from trainables.networks.examples import boxed_images
from trainables.networks.family import Family
from trainables.networks.inverted_residual import plain_options
from trainables.settings import check_flag, check_name, check_number

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["CHANNELS", "FAMILY", "build_detnas"]

CHANNELS = (16, 64, 160, 320, 640)
"""Channels of the stem and of the four stages, at scale 1."""
_PYRAMIDS = ("none", "fpn", "pan")
_STRIDE = 4

Slot = Callable[[Callable[[str], nn.Module]], nn.Module]
"""Makes one block, given a function that makes a block of a kind."""


def build_detnas(
    architecture: Architecture | Mapping[str, Any] | None,
    *,
    num_classes: int,
    in_channels: int,
    image_size: Size,
    scale: float = 1.0,
    pyramid: str = "fpn",
    width: int = 64,
    head: str = "anchor_free",
    depth: int = 2,
    centerness: bool = True,
    choices: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Build the network of one member, or the undecided one.

    Args:
        architecture: a member of `detnas`, or its tree. None builds the undecided network.
        num_classes: the number of classes.
        in_channels: channels of the images.
        image_size: height and width of the images.
        scale: factor of the channels of the backbone, for small networks.
        pyramid: "none", "fpn" or "pan".
        width: channels of the pyramid and of the towers, a multiple of 8.
        head: "anchor_free", or "anchors" with one square anchor of four strides at each place.
        depth: the layers of the towers, which all levels share.
        centerness: whether a head without anchors tells how near the middle of its box a place is.
        choices: settings of the space, from which an undecided network chooses.

    Returns:
        Images (n, in_channels, h, w) of this size to a dict of tensors, see `trainables.tasks.detection.outputs`.

    Raises:
        TrainableError: a setting has a wrong value.
        ArchitectureError: a block breaks the form; the message gives the path.
    """
    check_number("scale", scale, 0, open_low=True)
    check_name("pyramid", pyramid, _PYRAMIDS)
    check_name("head", head, ("anchor_free", "anchors"))
    check_number("depth", depth, 0, whole=True)
    check_flag("centerness", centerness)
    check_number("width", width, 8, whole=True)
    if width % 8:
        raise TrainableError(f"width is {width}; it must be a multiple of 8, the groups of group normalisation")
    stages = _undecided(choices or {}) if architecture is None else _decided(tree_of(architecture))
    image = pair(image_size)
    towers = {"depth": depth, "convolution": "conv_3x3", "shared": True}
    heads = {
        "anchor_free": {"centerness": centerness, "towers": towers},
        "anchors": {"scales": 1, "ratios": 1, "size": 4, "towers": towers},
    }
    tree = {"pyramid": {"width": width, "merging": {pyramid: {}}}, "head": {head: heads[head]}}
    return DetNAS(stages, tree, num_classes, in_channels, image, scale)


def _decided(tree: Mapping[str, Any]) -> list[list[Slot]]:
    found: list[list[Slot]] = []
    for number in range(1, len(DEPTHS) + 1):
        stage = f"stage_{number}"
        blocks = tree.get(stage)
        if not isinstance(blocks, dict) or not blocks:
            raise ArchitectureError(stage, f"{blocks!r:.100} is not a dict of at least one block")
        kinds = [option(blocks, f"block_{index}", BLOCKS, stage) for index in range(1, len(blocks) + 1)]
        found.append([partial(_of_kind, kind) for kind in kinds])
    return found


def _undecided(choices: Mapping[str, Any]) -> list[list[Slot]]:
    tree: Any = search_spaces.get("detnas", **choices).declared
    return [[partial(_mixed, plain_options(one)) for one in stage.values()] for stage in tree.values()]


def _of_kind(kind: str, make: Callable[[str], nn.Module]) -> nn.Module:
    return make(kind)


def _mixed(kinds: Sequence[str], make: Callable[[str], nn.Module]) -> nn.Module:
    return nn.LayerChoice({kind: make(kind) for kind in kinds})


class DetNAS(nn.Module):
    """Images (n, in_channels, h, w) to a dict of tensors. The stages are its own, so that decisions have their names.

    Args:
        stages: for each stage its blocks, each a function that takes what makes a block of a kind.
        tree: decisions of `detector` about the pyramid and the head.
        num_classes: the number of classes.
        in_channels: channels of the images.
        image: height and width of the images.
        scale: factor of the channels.
    """

    def __init__(
        self,
        stages: Sequence[Sequence[Slot]],
        tree: Mapping[str, Any],
        num_classes: int,
        in_channels: int,
        image: tuple[int, int],
        scale: float,
    ) -> None:
        super().__init__()
        stem, *widths = (max(4, round(scale * count / 4) * 4) for count in CHANNELS)
        self.stem = nn.Sequential(*conv_bn(in_channels, stem, 3, 2), nn.ReLU())
        before, stride = stem, _STRIDE
        shapes: list[tuple[int, int, int]] = []
        for number, (slots, width) in enumerate(zip(stages, widths, strict=True), 1):
            stage = nn.Sequential()
            for index, fill in enumerate(slots, 1):
                make = partial(_block, inputs=before, outputs=width, stride=2 if index == 1 else 1)
                stage.add_module(f"block_{index}", fill(make))
                before = width
            self.add_module(f"stage_{number}", stage)
            if number > 1:
                shapes.append((width, -(-image[0] // stride), -(-image[1] // stride)))
            stride *= 2
        kaiming(self)
        self.pyramid, self.head = pyramid_and_head(shapes, tree, num_classes, image)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        stages = [self.get_submodule(f"stage_{number}") for number in range(1, len(DEPTHS) + 1)]
        x = stages[0](self.stem(x))
        features = []
        for stage in stages[1:]:
            x = stage(x)
            features.append(x)
        outputs: dict[str, Tensor] = self.head(self.pyramid(tuple(features)))
        return outputs


def _block(kind: str, *, inputs: int, outputs: int, stride: int) -> nn.Module:
    return block(kind, inputs, outputs, stride)


FAMILY = Family(build_detnas, boxed_images, undecided=True, small={"scale": 0.25, "width": 32})
