"""The places that a detector looks at: points, or anchors of torchvision's generator; and boxes from deltas."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torchvision.models.detection.anchor_utils import AnchorGenerator

__all__ = ["anchors_of", "moved", "points_of"]

_OCTAVE = 2.0
_RATIOS = {1: (1.0,), 3: (0.5, 1.0, 2.0)}
_GREATEST = math.log(1000 / 16)
"""The greatest logarithm of a factor of width or height, as in torchvision."""

Shape = tuple[int, int]


def points_of(strides: Sequence[int], sizes: Sequence[Shape]) -> Tensor:
    """Make the middles of the cells of all levels.

    Args:
        strides: pixels of the image for each cell, of each level.
        sizes: height and width of each level in cells.

    Returns:
        (1, p, 3), x and y in pixels, and the stride.
    """
    found = []
    for stride, (height, width) in zip(strides, sizes, strict=True):
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        middles = (torch.stack((x, y), 2).flatten(0, 1) + 0.5) * stride
        found.append(torch.cat((middles, torch.full((len(middles), 1), float(stride))), 1))
    return torch.cat(found)[None]


def anchors_of(strides: Sequence[int], sizes: Sequence[Shape], *, size: int, scales: int, ratios: int) -> Tensor:
    """Make the anchors of all levels.

    Args:
        strides: pixels of the image for each cell, of each level.
        sizes: height and width of each level in cells.
        size: the side of the smallest square anchor, in strides.
        scales: sizes of anchors within an octave.
        ratios: 1 for squares, 3 for half and twice as high ones too.

    Returns:
        (1, a, 4), left, top, right and bottom in pixels. The anchors of a cell follow each other.
    """
    sides = tuple(
        tuple(float(size * stride * _OCTAVE ** (number / scales)) for number in range(scales)) for stride in strides
    )
    generator = AnchorGenerator(sides, (_RATIOS[ratios],) * len(strides))
    generator.set_cell_anchors(torch.float32, torch.get_default_device())
    # The strides are given: torchvision itself divides the image by the size of a level and rounds down.
    steps = [[torch.tensor(stride), torch.tensor(stride)] for stride in strides]
    grids = generator.grid_anchors([list(one) for one in sizes], steps)
    # Those of torchvision are around the corners of the cells; here they are around their middles.
    return torch.cat([grid + stride / 2 for grid, stride in zip(grids, strides, strict=True)])[None]


def moved(deltas: Tensor, anchors: Tensor, weights: tuple[float, float]) -> Tensor:
    """Compute boxes from deltas to anchors, as torchvision's `BoxCoder` does.

    Args:
        deltas: (..., 4), shifts of x and y, and logarithms of the factors of width and height.
        anchors: (..., 4), left, top, right and bottom.
        weights: what the shifts and the logarithms are divided by.

    Returns:
        (..., 4), left, top, right and bottom.
    """
    sides = anchors[..., 2:] - anchors[..., :2]
    middles = anchors[..., :2] + sides / 2 + deltas[..., :2] / weights[0] * sides
    halves = (deltas[..., 2:] / weights[1]).clamp(max=_GREATEST).exp() * sides / 2
    return torch.cat((middles - halves, middles + halves), -1)
