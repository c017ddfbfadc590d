"""A network for blood cells that was written by hand, in the manner of FCOS (Tian et al. 2019, 1904.01355).

It has residual blocks to the strides 8 and 16, a feature pyramid, and towers with group normalisation that both levels
share. It learns the task `detection` as any network of a space does.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Baseline", "build_baseline"]

WIDTH = 16
STRIDES = (8, 16)


def build_baseline(
    architecture: object, *, num_classes: int, in_channels: int, image_size: tuple[int, int]
) -> nn.Module:
    """Build the network; there is nothing to decide."""
    return Baseline(num_classes, in_channels, image_size)


class Residual(nn.Module):
    """Two convolutions beside a shortcut, the first of stride 2."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, 2, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(outputs)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Conv2d(inputs, outputs, 1, 2, bias=False)
        self.shortcut_norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        value = functional.relu(self.first_norm(self.first(x)))
        value = self.second_norm(self.second(value))
        return functional.relu(value + self.shortcut_norm(self.shortcut(x)))


class Baseline(nn.Module):
    """Images (n, c, h, w) to a dict of scores, boxes, quality and points of both levels."""

    points: Tensor

    def __init__(self, num_classes: int, in_channels: int, image_size: tuple[int, int]) -> None:
        super().__init__()
        wide = 3 * WIDTH
        self.stem = nn.Sequential(nn.Conv2d(in_channels, WIDTH, 3, 2, 1, bias=False), nn.BatchNorm2d(WIDTH), nn.ReLU())
        self.quarter, self.eighth = Residual(WIDTH, 2 * WIDTH), Residual(2 * WIDTH, 3 * WIDTH)
        self.sixteenth = Residual(3 * WIDTH, 4 * WIDTH)
        self.lateral, self.top = nn.Conv2d(3 * WIDTH, wide, 1), nn.Conv2d(4 * WIDTH, wide, 1)
        self.smooth = nn.Conv2d(wide, wide, 3, padding=1)
        self.towers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(wide, wide, 3, padding=1), nn.GroupNorm(8, wide), nn.ReLU()) for _ in range(2)
        )
        self.scores, self.sides = nn.Conv2d(wide, num_classes, 3, padding=1), nn.Conv2d(wide, 4, 3, padding=1)
        self.quality = nn.Conv2d(wide, 1, 3, padding=1)
        self.scales = nn.Parameter(torch.zeros(len(STRIDES)))
        nn.init.constant_(self.scores.bias, -4.6)  # a probability of 1 in 100
        self.register_buffer("points", _points(image_size))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        fine = self.eighth(self.quarter(self.stem(x)))
        coarse = self.sixteenth(fine)
        top = self.top(coarse)
        low = self.smooth(self.lateral(fine) + functional.interpolate(top, fine.shape[2:]))
        scores, sides, quality = [], [], []
        for level, feature in enumerate((low, top)):
            of_classes, of_boxes = (tower(feature) for tower in self.towers)
            scores.append(_flat(self.scores(of_classes)))
            exponents = self.sides(of_boxes) + self.scales[level]
            sides.append(_flat(exponents.clamp(max=6).exp() * STRIDES[level]))
            quality.append(_flat(self.quality(of_boxes))[..., 0])
        distances, points = torch.cat(sides, 1), self.points.expand(len(x), -1, -1)
        middle = points[..., :2]
        boxes = torch.cat((middle - distances[..., :2], middle + distances[..., 2:]), 2)
        return {"scores": torch.cat(scores, 1), "boxes": boxes, "quality": torch.cat(quality, 1), "points": points}


def _flat(maps: Tensor) -> Tensor:
    return maps.flatten(2).transpose(1, 2)


def _points(image_size: tuple[int, int]) -> Tensor:
    found = []
    for stride in STRIDES:
        rows, columns = (torch.arange(-(-side // stride)) for side in image_size)
        y, x = torch.meshgrid(rows, columns, indexing="ij")
        middle = (torch.stack((x, y), -1).flatten(0, 1) + 0.5) * stride
        found.append(torch.cat((middle, torch.full((len(middle), 1), float(stride))), 1))
    return torch.cat(found)[None]
