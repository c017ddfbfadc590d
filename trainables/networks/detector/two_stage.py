"""A head in two stages (Faster R-CNN, Ren et al. 2015, 1506.01497), made of torchvision's parts.

The first stage proposes regions, a fixed number for each image; the second tells what is in each. The network needs no
true boxes while it trains: it returns what both stages say, and the loss of the task finds out which region has which
box. So true boxes are not added to the proposals, as torchvision does in training.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.ops import nms, roi_align, roi_pool

from trainables.networks.detector.anchors import anchors_of, moved
from trainables.networks.detector.heads import flat

__all__ = ["REGIONS", "TwoStage"]

REGIONS = 100
"""The regions that the first stage proposes in an image."""
_BEFORE = 400
"""The regions of a level that are compared with each other."""
_OVERLAP, _LEAST = 0.7, 1e-3
_FINEST = 8.0
"""The side of a region, in strides of the finest level, from which it is looked at on the next level."""

Shape = tuple[int, int]


class TwoStage(nn.Module):
    """Levels to what both stages say.

    Args:
        width: channels of the levels.
        strides: pixels of the image for each cell, of each level.
        sizes: height and width of each level in cells.
        num_classes: the number of classes.
        image: height and width of the image.
        size: the side of the smallest square anchor, in strides.
        scales: sizes of anchors within an octave.
        ratios: 1 for squares, 3 for half and twice as high ones too.
        roi: how a region is cut out of its level: "align" or "pool".
        roi_size: the side of what is cut out, in cells.
        features: channels of the two layers of the second stage.
    """

    anchors: Tensor

    def __init__(
        self,
        width: int,
        strides: Sequence[int],
        sizes: Sequence[Shape],
        num_classes: int,
        *,
        image: Shape,
        size: int,
        scales: int,
        ratios: int,
        roi: str,
        roi_size: int,
        features: int,
    ) -> None:
        super().__init__()
        self.image, self.strides = image, tuple(strides)
        self.roi, self.roi_size = roi, roi_size
        self.counts = [high * wide * scales * ratios for high, wide in sizes]
        count = {"training": REGIONS, "testing": REGIONS}
        before = {"training": _BEFORE, "testing": _BEFORE}
        # Its own loss and its generator of anchors are not used: they need true boxes, and whole images.
        self.regions = RegionProposalNetwork(
            cast("AnchorGenerator", nn.Identity()),
            RPNHead(width, scales * ratios),
            *(0.7, 0.3, 256, 0.5),
            pre_nms_top_n=before,
            post_nms_top_n=count,
            nms_thresh=_OVERLAP,
        )
        anchors = anchors_of(strides, sizes, size=size, scales=scales, ratios=ratios)
        self.register_buffer("anchors", anchors)
        self.layers = nn.Sequential(
            nn.Linear(width * roi_size * roi_size, features), nn.ReLU(), nn.Linear(features, features), nn.ReLU()
        )
        self.scores, self.refine = nn.Linear(features, num_classes + 1), nn.Linear(features, 4)

    def forward(self, levels: tuple[Tensor, ...]) -> dict[str, Tensor]:
        told, sides = self.regions.head(list(levels))
        objectness = torch.cat([flat(one, 1) for one in told], 1).squeeze(2)
        deltas = torch.cat([flat(one, 4) for one in sides], 1)
        anchors = self.anchors.expand(deltas.shape[0], -1, -1)
        proposals = self._proposals(objectness.detach(), moved(deltas.detach(), anchors, (1.0, 1.0)))
        cut = self._cut(levels, proposals)
        features = self.layers(cut.flatten(1))
        refinements = self.refine(features).unflatten(0, proposals.shape[:2])
        return {
            "scores": self.scores(features).unflatten(0, proposals.shape[:2]),
            "boxes": moved(refinements, proposals, (10.0, 5.0)),
            "refinements": refinements,
            "proposals": proposals,
            "objectness": objectness,
            "deltas": deltas,
            "anchors": anchors,
        }

    def _proposals(self, objectness: Tensor, boxes: Tensor) -> Tensor:
        """The surest regions of each image, (n, `REGIONS`, 4); regions without area where there are fewer."""
        if objectness.is_meta:  # which of them are kept depends on their values, and a cost does not
            return boxes[:, :1].expand(-1, REGIONS, -1)
        if torch.compiler.is_exporting():
            return self._exported_proposals(objectness, boxes)
        shapes = [self.image] * len(boxes)
        kept, _ = self.regions.filter_proposals(boxes, objectness, shapes, self.counts)
        padded = boxes.new_zeros((len(boxes), REGIONS, 4))
        for number, some in enumerate(kept):
            padded[number, : len(some)] = some
        return padded

    def _exported_proposals(self, objectness: Tensor, boxes: Tensor) -> Tensor:
        """The same by operations whose shapes do not depend on values, as a file needs them.

        All images are compared at once, each level of each at a place of its own: it takes the square of their number.
        """
        high, wide = self.image
        ends = boxes.new_tensor([wide, high, wide, high])
        sure, kept, groups = [], [], []
        start = 0
        for level, count in enumerate(self.counts):
            some = objectness[:, start : start + count]
            values, places = some.topk(min(_BEFORE, count), 1)
            of_level = boxes[:, start : start + count].gather(1, places[..., None].expand(-1, -1, 4))
            sure.append(values.sigmoid())
            kept.append(torch.minimum(of_level.clamp(min=0), ends))
            groups.append(torch.full_like(places, level))
            start += count
        scores, corners, levels = torch.cat(sure, 1), torch.cat(kept, 1), torch.cat(groups, 1)
        there = ((corners[..., 2:] - corners[..., :2]) >= _LEAST).all(-1)
        scores = torch.where(there, scores, -1.0)
        images = torch.arange(boxes.shape[0], device=boxes.device)[:, None]
        apart = (images * len(self.counts) + levels)[..., None] * (max(high, wide) + 1.0)
        left = nms((corners + apart).flatten(0, 1), scores.flatten(), _OVERLAP)
        is_left = torch.zeros_like(scores.flatten()).index_fill(0, left, 1.0).view_as(scores)
        chosen = torch.where(is_left > 0, scores, -1.0)
        best, places = chosen.topk(min(REGIONS, chosen.shape[1]), 1)
        found = corners.gather(1, places[..., None].expand(-1, -1, 4)) * (best >= 0)[..., None]
        return nn.functional.pad(found, (0, 0, 0, REGIONS - found.shape[1]))

    def _cut(self, levels: Sequence[Tensor], proposals: Tensor) -> Tensor:
        """What each region has on its level, (n * regions, width, side, side)."""
        count, regions = proposals.shape[:2]
        numbers = torch.arange(count, device=proposals.device, dtype=proposals.dtype).repeat_interleave(regions)
        rows = torch.cat((numbers[:, None], proposals.flatten(0, 1)), 1)
        sides = (proposals[..., 2:] - proposals[..., :2]).clamp(min=1).prod(-1).sqrt().flatten()
        wanted = torch.log2(sides / (self.strides[0] * _FINEST)).floor().add(1).clamp(0, len(levels) - 1)
        found = torch.zeros((), device=proposals.device)
        for number, (level, stride) in enumerate(zip(levels, self.strides, strict=True)):
            cut = roi_align if self.roi == "align" else roi_pool
            there = cut(level, rows, self.roi_size, 1 / stride)
            found = found + there * (wanted == number).to(there.dtype)[:, None, None, None]
        return found
