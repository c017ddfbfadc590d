"""Which place of a network learns which box.

Without anchors this is the rule of FCOS (Tian et al. 2019, 1904.01355): a place learns the smallest of the boxes in
which it lies near the middle, and whose sides are as far away as its level looks. With anchors it is the rule of Faster
R-CNN (Ren et al. 2015, 1506.01497) by torchvision's `Matcher`: the box that the anchor overlaps enough, and for each
box its best anchor.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.models.detection._utils import Matcher
from torchvision.ops import box_iou

__all__ = ["BETWEEN", "NOTHING", "by_anchors", "by_points"]

NOTHING, BETWEEN = -1, -2
"""The number of the box of a place where nothing is, and of one that does not count."""
_RADIUS = 1.5
"""The strides around the middle of a box within which places learn it."""
_NEAR, _FAR = 4, 8
"""The strides to the farthest side of a box at least, but on the finest level, and at most, but on the coarsest."""


def by_points(points: Tensor, boxes: Tensor, labels: Tensor) -> Tensor:
    """Choose the box of each place of a network without anchors.

    Args:
        points: (p, 3), x, y and stride, the same for all images.
        boxes: (n, m, 4).
        labels: (n, m); -1 where there is no box.

    Returns:
        (n, p), int64, the number of the box, or `NOTHING`.
    """
    places, strides = points[:, None, :2], points[:, None, 2]
    corners = boxes[:, None]
    sides = torch.cat((places - corners[..., :2], corners[..., 2:] - places), -1)
    middle = (corners[..., :2] + corners[..., 2:]) / 2
    near = ((places - middle).abs() <= _RADIUS * strides[..., None]).all(-1)
    farthest = sides.amax(-1)
    low = torch.where(strides == strides.min(), 0, _NEAR * strides)
    high = torch.where(strides == strides.max(), torch.inf, _FAR * strides)
    fits = (sides.amin(-1) > 0) & near & (farthest >= low) & (farthest <= high) & (labels[:, None] >= 0)
    areas = (boxes[..., 2:] - boxes[..., :2]).prod(-1)[:, None].expand(fits.shape)
    best, number = torch.where(fits, areas, torch.inf).min(2)
    return torch.where(best < torch.inf, number, NOTHING)


def by_anchors(anchors: Tensor, boxes: Tensor, labels: Tensor, high: float, low: float, *, best: bool = True) -> Tensor:
    """Choose the box of each anchor or proposal of an image.

    Args:
        anchors: (a, 4).
        boxes: (m, 4).
        labels: (m,); -1 where there is no box.
        high: the overlap from which it learns a box.
        low: the overlap below which it learns that nothing is there.
        best: whether each box is learned by the anchor that overlaps it most, however little that is.

    Returns:
        (a,), int64, the number of the box, `NOTHING`, or `BETWEEN`.
    """
    there = (labels >= 0).nonzero().flatten()
    if not len(there):
        return torch.full((len(anchors),), NOTHING, dtype=torch.int64, device=anchors.device)
    matches: Tensor = Matcher(high, low, allow_low_quality_matches=best)(box_iou(boxes[there], anchors))
    return torch.where(matches >= 0, there[matches.clamp(min=0)], matches)
