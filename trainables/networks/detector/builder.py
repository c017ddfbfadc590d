"""From an architecture of `detector` to its network, and the parts that other families of detectors share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from search_spaces.catalogue.detector import BLOCKS, CONVOLUTIONS, HEADS, LEVELS, MERGES, PYRAMIDS
from search_spaces.errors import ArchitectureError
from trainables.errors import TrainableError
from trainables.networks.base import Size, conv_bn, kaiming, number, option, pair, tree_of
from trainables.networks.detector.blocks import block
from trainables.networks.detector.features import Features
from trainables.networks.detector.heads import Anchored, AnchorFree, Towers
from trainables.networks.detector.pyramid import Pyramid
from trainables.networks.detector.two_stage import TwoStage

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["Detector", "build_detector", "pyramid_and_head"]

_STRIDES = (8, 16, 32)


def build_detector(
    architecture: Architecture | Mapping[str, Any],
    *,
    num_classes: int,
    in_channels: int,
    image_size: Size,
    **settings: object,
) -> nn.Module:
    """Build the network of one member.

    Args:
        architecture: a member of `detector`, or its tree.
        num_classes: the number of classes.
        in_channels: channels of the images.
        image_size: height and width of the images.
        settings: settings of the network that is the backbone, where it is of another space, such as `channels`.

    Returns:
        Images (n, in_channels, h, w) of this size to a dict of tensors, see `trainables.tasks.detection.outputs`.

    Raises:
        TrainableError: a setting has a wrong value, or the backbone has no features of the strides that are needed.
        ArchitectureError: a decision breaks the form; the message gives the path.
    """
    tree = tree_of(architecture)
    given = tree.get("backbone")
    if not isinstance(given, Mapping):
        raise ArchitectureError("backbone", f"{given!r:.100} is not a dict of decisions; it has a stem and stages")
    image = pair(image_size)
    backbone: Backbone | Features
    if "of" in given:
        backbone = Features(given["of"], given.get("network"), in_channels, image, dict(settings))
    elif settings:
        name = next(iter(settings))
        raise TrainableError(
            f"{name} is a setting of a backbone of another space, and the backbone is decided here; leave it out, or "
            'take the space {"name": "detector", "backbone": "nb201"}'
        )
    else:
        backbone = Backbone(given, in_channels, image)
    return Detector(backbone, *pyramid_and_head(backbone.shapes, tree, num_classes, image))


def pyramid_and_head(
    shapes: Sequence[tuple[int, int, int]], tree: Mapping[str, Any], num_classes: int, image: tuple[int, int]
) -> tuple[nn.Module, nn.Module]:
    """Make what stands behind a backbone.

    Args:
        shapes: channels, height and width of the features of the backbone, of strides 8, 16, ..
        tree: decisions of `detector`, of which `pyramid` and `head` are read.
        num_classes: the number of classes.
        image: height and width of the images.

    Returns:
        The pyramid, which takes a tuple of features, and the head, which takes what the pyramid returns.

    Raises:
        ArchitectureError: a decision breaks the form; the message gives the path.
    """
    sizes = [(high, wide) for _, high, wide in shapes]
    strides = _STRIDES[: len(shapes)]
    pyramid = tree.get("pyramid")
    width = number(pyramid, "width", "pyramid", whole=True)
    kind, inside = _chosen(pyramid, "merging", PYRAMIDS, "pyramid.merging")
    if kind == "nas_fpn":
        _check_cells(inside)
    merged = Pyramid([shape[0] for shape in shapes], sizes, width, kind, inside)
    kaiming(merged)
    return merged, _head(tree, width, strides, sizes, num_classes, image)


def _head(
    tree: Mapping[str, Any],
    width: int,
    strides: Sequence[int],
    sizes: Sequence[tuple[int, int]],
    num_classes: int,
    image: tuple[int, int],
) -> nn.Module:
    kind, inside = _chosen(tree, "head", HEADS, "head")
    path = f"head.{kind}"
    if kind == "anchor_free":
        centerness = option(inside, "centerness", (True, False), path)
        return AnchorFree(width, strides, sizes, num_classes, towers=_towers(inside, path), centerness=centerness)
    anchors = {name: number(inside, name, path, whole=True) for name in ("size", "scales")}
    anchors["ratios"] = option(inside, "ratios", (1, 3), path)
    if kind == "anchors":
        return Anchored(width, strides, sizes, num_classes, towers=_towers(inside, path), **anchors)
    regions = {name: number(inside, name, path, whole=True) for name in ("roi_size", "features")}
    roi = option(inside, "roi", ("align", "pool"), path)
    return TwoStage(width, strides, sizes, num_classes, image=image, roi=roi, **anchors, **regions)


def _towers(head: Mapping[str, Any], path: str) -> Towers:
    towers, path = head.get("towers"), f"{path}.towers"
    if not isinstance(towers, Mapping):
        raise ArchitectureError(path, f"{towers!r:.100} is not a dict of depth, convolution and shared")
    depth = towers.get("depth")
    if isinstance(depth, bool) or not isinstance(depth, int) or depth < 0:
        raise ArchitectureError(f"{path}.depth", f"{depth!r} is not allowed; it is a whole number of at least 0")
    kind = option(towers, "convolution", CONVOLUTIONS, path) if depth else CONVOLUTIONS[0]
    return Towers(depth, kind, option(towers, "shared", (True, False), path))


def _chosen(tree: object, key: str, known: Sequence[str], path: str) -> tuple[str, Mapping[str, Any]]:
    """The name of a chosen sub-space, and its decisions."""
    held = tree.get(key) if isinstance(tree, Mapping) else None
    if not isinstance(held, Mapping) or len(held) != 1 or next(iter(held)) not in known:
        raise ArchitectureError(path, f"{held!r:.100} is not one of {', '.join(known)} with its decisions")
    ((name, inside),) = held.items()
    if not isinstance(inside, Mapping):
        raise ArchitectureError(f"{path}.{name}", f"{inside!r:.100} is not a dict of decisions")
    return name, inside


def _check_cells(inside: Mapping[str, Any]) -> None:
    cells = inside.get("cells")
    if not isinstance(cells, list) or not cells:
        raise ArchitectureError("pyramid.merging.nas_fpn.cells", f"{cells!r:.100} is not a list of merging cells")
    for index, cell in enumerate(cells):
        path = f"pyramid.merging.nas_fpn.cells.{index}"
        for key in ("first", "second", "level"):
            value = cell.get(key) if isinstance(cell, Mapping) else None
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ArchitectureError(f"{path}.{key}", f"{value!r} is not allowed; it is a whole number from 0 on")
        option(cell, "op", MERGES, path)


class Backbone(nn.Module):
    """Images (n, in_channels, h, w) to features of strides 8, 16 and, with a third stage, 32.

    Args:
        tree: the decisions of the backbone.
        in_channels: channels of the images.
        image: height and width of the images.
    """

    shapes: list[tuple[int, int, int]]
    """Channels, height and width of each feature."""

    def __init__(self, tree: Mapping[str, Any], in_channels: int, image: tuple[int, int]) -> None:
        super().__init__()
        stem = number(tree, "stem", "backbone", whole=True)
        stages = tree.get("stages")
        if not isinstance(stages, list) or not 1 <= len(stages) <= LEVELS:
            raise ArchitectureError("backbone.stages", f"{stages!r:.100} is not a list of 1 to {LEVELS} stages")
        self.stem = nn.Sequential(
            *conv_bn(in_channels, stem, 3, 2), nn.ReLU(), *conv_bn(stem, 2 * stem, 3, 2), nn.ReLU()
        )
        before, self.stages, self.shapes = 2 * stem, nn.ModuleList(), []
        for index, stage in enumerate(stages):
            path = f"backbone.stages.{index}"
            count, width = (number(stage, name, path, whole=True) for name in ("blocks", "width"))
            if width % 2:
                raise ArchitectureError(f"{path}.width", f"{width} is odd, and blocks halve it; make it even")
            kind = option(stage, "block", BLOCKS, path)
            first = block(kind, before, width, 2)
            self.stages.append(nn.Sequential(first, *(block(kind, width, width, 1) for _ in range(count - 1))))
            before, stride = width, _STRIDES[index]
            self.shapes.append((width, -(-image[0] // stride), -(-image[1] // stride)))
        kaiming(self)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        x = self.stem(x)
        found = []
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return tuple(found)


class Detector(nn.Module):
    """Images to a dict of tensors.

    Args:
        backbone: images to a tuple of features.
        pyramid: features to levels of one width.
        head: levels to a dict of tensors.
    """

    def __init__(self, backbone: nn.Module, pyramid: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.backbone, self.pyramid, self.head = backbone, pyramid, head

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        outputs: dict[str, Tensor] = self.head(self.pyramid(self.backbone(x)))
        return outputs
