"""A head in two stages (Faster R-CNN, Ren et al. 2015, 1506.01497), made of torchvision's parts.

The first stage proposes regions, a fixed number for each image; the second tells what is in each. The network needs no
true boxes while it trains: it returns what both stages say, and the loss of the task finds out which region has which
box. So true boxes are not added to the proposals, as torchvision does in training.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, fx, nn
from torchvision.models.detection.rpn import RPNHead
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
        # In a dict, so that its weights have the names that they have in torchvision's detectors.
        self.regions = nn.ModuleDict({"head": RPNHead(width, scales * ratios)})
        anchors = anchors_of(strides, sizes, size=size, scales=scales, ratios=ratios)
        self.register_buffer("anchors", anchors)
        self.layers = nn.Sequential(
            nn.Linear(width * roi_size * roi_size, features), nn.ReLU(), nn.Linear(features, features), nn.ReLU()
        )
        self.scores, self.refine = nn.Linear(features, num_classes + 1), nn.Linear(features, 4)

    def forward(self, levels: tuple[Tensor, ...]) -> dict[str, Tensor]:
        told, sides = self.regions["head"](list(levels))
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
        high, wide = self.image
        ends = boxes.new_tensor([wide, high, wide, high])
        sure, kept, groups = [], [], []
        start = 0
        for level, count in enumerate(self.counts):
            some = objectness[:, start : start + count]
            values, places = some.topk(min(_BEFORE, count), 1)
            of_level = boxes[:, start : start + count].gather(1, places[..., None].expand(-1, -1, 4))
            sure.append(values)
            kept.append(torch.minimum(of_level.clamp(min=0), ends))
            groups.append(torch.full_like(places, level))
            start += count
        scores, corners, levels = torch.cat(sure, 1), torch.cat(kept, 1), torch.cat(groups, 1)
        there = ((corners[..., 2:] - corners[..., :2]) >= _LEAST).all(-1)
        scores = torch.where(there, scores, -math.inf)
        chosen = torch.where(self._is_left(corners, scores, levels) > 0, scores, -math.inf)
        best, places = chosen.topk(min(REGIONS, chosen.shape[1]), 1)
        found = corners.gather(1, places[..., None].expand(-1, -1, 4)) * (best > -math.inf)[..., None]
        return nn.functional.pad(found, (0, 0, 0, REGIONS - found.shape[1]))

    def _is_left(self, corners: Tensor, scores: Tensor, levels: Tensor) -> Tensor:
        """1 for regions that overlap no surer one of their level and image, (n, regions); 0 for others.

        Regions of different levels are shifted until they are apart, in float64, which rounds no overlap. In a file,
        which cannot go from image to image, so are those of different images, and all are compared at once; that takes
        the square of the number of images.
        """
        apart, count = max(self.image) + 1.0, len(self.counts)
        if torch.compiler.is_exporting() or isinstance(scores, fx.Proxy):
            images = torch.arange(corners.shape[0], device=corners.device)[:, None]
            boxes = corners.double() + (images * count + levels)[..., None] * apart
            left = nms(boxes.flatten(0, 1), scores.double().flatten(), _OVERLAP)
        else:
            kind = torch.float32 if corners.device.type == "mps" else torch.float64
            boxes, sure = corners.to(kind) + levels[..., None] * apart, scores.to(kind)
            of_image = [nms(*one, _OVERLAP) for one in zip(boxes, sure, strict=True)]
            left = torch.cat([some + at * scores.shape[1] for at, some in enumerate(of_image)])
        return torch.zeros_like(scores.flatten()).index_fill(0, left, 1.0).view_as(scores)

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
