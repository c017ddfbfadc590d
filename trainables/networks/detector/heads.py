"""Heads in one stage: towers of layers over each level, and what they tell of each place of it.

Where levels share towers, the towers have group normalisation: statistics of batch normalisation over levels of
different scales fit none of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainables.networks.detector.anchors import anchors_of, moved, points_of

__all__ = ["AnchorFree", "Anchored", "Towers"]

_GROUPS = 8
_PRIOR = 0.01
"""The probability of each class at each place before training (Lin et al. 2017, 1708.02002)."""
_GREATEST = 6.0
"""The greatest exponent of a distance to a side of a box, in strides."""

Shape = tuple[int, int]


@dataclass(frozen=True)
class Towers:
    """The decisions about the towers.

    Attributes:
        depth: the number of layers.
        convolution: "conv_3x3", "separable_3x3" or "conv_1x1".
        shared: whether all levels have the same towers.
    """

    depth: int
    convolution: str
    shared: bool

    def made(self, width: int) -> nn.Sequential:
        """Make a tower.

        Args:
            width: the number of channels.

        Returns:
            The layers.
        """
        layers: list[nn.Module] = []
        for _ in range(self.depth):
            norm = nn.GroupNorm(_GROUPS, width) if self.shared else nn.BatchNorm2d(width)
            layers += [*_convolution(self.convolution, width), norm, nn.ReLU()]
        return nn.Sequential(*layers)


def _convolution(kind: str, width: int) -> list[nn.Module]:
    if kind == "conv_1x1":
        return [nn.Conv2d(width, width, 1, bias=False)]
    if kind == "conv_3x3":
        return [nn.Conv2d(width, width, 3, padding=1, bias=False)]
    depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False)
    return [depthwise, nn.Conv2d(width, width, 1, bias=False)]


class Level(nn.Module):
    """The towers of one level, or of all.

    Args:
        width: channels of the level.
        towers: what the towers are.
        numbers: what is told of each cell by the tower of classes, and by that of boxes.
    """

    def __init__(self, width: int, towers: Towers, numbers: tuple[int, Sequence[int]]) -> None:
        super().__init__()
        classes, sides = numbers
        self.class_tower, self.side_tower = towers.made(width), towers.made(width)
        self.scores = nn.Conv2d(width, classes, 3, padding=1)
        convolutions = [nn.Conv2d(width, count, 3, padding=1) for count in sides]
        self.sides = nn.ModuleList(convolutions)
        nn.init.constant_(self.scores.bias, -math.log((1 - _PRIOR) / _PRIOR))  # type: ignore[arg-type]
        for one in (self.scores, *convolutions):
            nn.init.normal_(one.weight, std=0.01)
        for one in convolutions:
            nn.init.constant_(one.bias, 0.0)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        sides = self.side_tower(x)
        return (self.scores(self.class_tower(x)), *(one(sides) for one in self.sides))


def flat(maps: Tensor, numbers: int) -> Tensor:
    """Arrange the numbers of all cells one after the other.

    Args:
        maps: (n, k * numbers, h, w).
        numbers: the numbers of each place; a cell has k places.

    Returns:
        (n, h * w * k, numbers).
    """
    cells = maps.flatten(2).transpose(1, 2)
    return cells.reshape(maps.shape[0], -1, numbers)


class AnchorFree(nn.Module):
    """Levels to scores, boxes and points: a place of each level tells how far the sides of a box are (FCOS).

    Args:
        width: channels of the levels.
        strides: pixels of the image for each cell, of each level.
        sizes: height and width of each level in cells.
        num_classes: the number of classes.
        towers: what the towers are.
        centerness: whether it tells how near the middle of its box a place is.
    """

    points: Tensor

    def __init__(
        self,
        width: int,
        strides: Sequence[int],
        sizes: Sequence[Shape],
        num_classes: int,
        *,
        towers: Towers,
        centerness: bool,
    ) -> None:
        super().__init__()
        self.num_classes, self.centerness = num_classes, centerness
        numbers = (num_classes, [4, 1] if centerness else [4])
        count = 1 if towers.shared else len(strides)
        self.levels = nn.ModuleList(Level(width, towers, numbers) for _ in range(count))
        self.scales = nn.Parameter(torch.zeros(len(strides)))
        self.register_buffer("points", points_of(strides, sizes))

    def forward(self, levels: tuple[Tensor, ...]) -> dict[str, Tensor]:
        scores, sides, quality = [], [], []
        for number, level in enumerate(levels):
            towers = self.levels[number % len(self.levels)]
            found = towers(level)
            scores.append(flat(found[0], self.num_classes))
            sides.append(flat(found[1], 4) + self.scales[number])
            if self.centerness:
                quality.append(flat(found[2], 1).squeeze(2))
        points = self.points
        distances = torch.cat(sides, 1).clamp(max=_GREATEST).exp() * points[:, :, 2:]
        middles = points[:, :, :2]
        boxes = torch.cat((middles - distances[:, :, :2], middles + distances[:, :, 2:]), 2)
        outputs = {"scores": torch.cat(scores, 1), "boxes": boxes, "points": points.expand(boxes.shape[0], -1, -1)}
        if self.centerness:
            outputs["quality"] = torch.cat(quality, 1)
        return outputs


class Anchored(nn.Module):
    """Levels to scores, boxes and anchors: each anchor tells how it must be moved to be a box (RetinaNet).

    Args:
        width: channels of the levels.
        strides: pixels of the image for each cell, of each level.
        sizes: height and width of each level in cells.
        num_classes: the number of classes.
        towers: what the towers are.
        size: the side of the smallest square anchor, in strides.
        scales: sizes of anchors within an octave.
        ratios: 1 for squares, 3 for half and twice as high ones too.
    """

    anchors: Tensor

    def __init__(
        self,
        width: int,
        strides: Sequence[int],
        sizes: Sequence[Shape],
        num_classes: int,
        *,
        towers: Towers,
        size: int,
        scales: int,
        ratios: int,
    ) -> None:
        super().__init__()
        self.num_classes = num_classes
        each = scales * ratios
        count = 1 if towers.shared else len(strides)
        self.levels = nn.ModuleList(Level(width, towers, (each * num_classes, [each * 4])) for _ in range(count))
        anchors = anchors_of(strides, sizes, size=size, scales=scales, ratios=ratios)
        self.register_buffer("anchors", anchors)

    def forward(self, levels: tuple[Tensor, ...]) -> dict[str, Tensor]:
        scores, sides = [], []
        for number, level in enumerate(levels):
            towers = self.levels[number % len(self.levels)]
            found = towers(level)
            scores.append(flat(found[0], self.num_classes))
            sides.append(flat(found[1], 4))
        deltas = torch.cat(sides, 1)
        anchors = self.anchors.expand(deltas.shape[0], -1, -1)
        boxes = moved(deltas, anchors, (1.0, 1.0))
        return {"scores": torch.cat(scores, 1), "boxes": boxes, "deltas": deltas, "anchors": anchors}
