"""From outputs of a network to the boxes of each image: the surest ones, without those that overlap a surer one."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torchvision.ops import batched_nms

from trainables.tasks.detection.outputs import Outputs, chances

__all__ = ["Found", "found_boxes"]

_BEFORE = 300
"""The most boxes of an image that are compared with each other."""


@dataclass(frozen=True)
class Found:
    """The boxes that a network found in an image, the surest first.

    Attributes:
        boxes: (k, 4), left, top, right and bottom in pixels.
        scores: (k,), from 0 to 1.
        labels: (k,), int64, the numbers of their classes.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor


def found_boxes(outputs: Outputs, *, least: float, overlap: float, most: int, size: tuple[int, int]) -> list[Found]:
    """Choose the boxes of each image.

    Args:
        outputs: of a network for a batch.
        least: the score that a box has at least.
        overlap: the intersection over the union above which the less sure of two boxes of a class is dropped.
        most: the most boxes of an image.
        size: height and width of the images, at which boxes are cut off.

    Returns:
        The boxes of each image.
    """
    height, width = size
    scores, boxes = chances(outputs), outputs["boxes"].float()
    found = []
    for chance, corners in zip(scores, boxes, strict=True):
        places, labels = (chance > least).nonzero(as_tuple=True)
        sure = chance[places, labels]
        if len(sure) > _BEFORE:
            sure, order = sure.topk(_BEFORE)
            places, labels = places[order], labels[order]
        mine = corners[places]
        mine = mine.clamp(min=0).minimum(mine.new_tensor([width, height, width, height]))
        there = ((mine[:, 2:] - mine[:, :2]) > 0).all(1)
        mine, sure, labels = mine[there], sure[there], labels[there]
        kept = batched_nms(mine, sure, labels, overlap)[:most]
        found.append(Found(mine[kept], sure[kept], labels[kept]))
    return found
