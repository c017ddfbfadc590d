"""Random views of images with boxes: flips, scales and shifts, by which the boxes move too."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from trainables.settings import check_flag, check_number

__all__ = ["BoxViews", "moved"]


@dataclass(frozen=True, kw_only=True)
class BoxViews:
    """How images with boxes are changed at random while a network trains."""

    augment: bool = True
    """Whether they are changed at all."""
    flip: bool = True
    """Exchange left and right in half of the images."""
    flip_vertical: bool = False
    """Exchange top and bottom in half of the images."""
    zoom: float = 1.25
    """The greatest factor by which images are made larger, and the greatest by which they are made smaller."""
    shift: float = 0.1
    """The greatest share of height and width by which images are shifted."""

    def __post_init__(self) -> None:
        for name in ("augment", "flip", "flip_vertical"):
            check_flag(name, getattr(self, name))
        check_number("zoom", self.zoom, 1, 4)
        check_number("shift", self.shift, 0, 0.5)

    def __call__(
        self, images: Tensor, targets: dict[str, Tensor], fill: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Draw a view of each image.

        Args:
            images: (n, c, h, w).
            targets: `boxes` (n, m, 4) and `labels` (n, m).
            fill: (1, c, 1, 1), the value of what was outside the image.
            generator: random numbers, on the device of the images.

        Returns:
            The images, float32 where they were scaled or shifted, and the targets. A box is cut off at the sides of the
            image, and left out if its middle is outside.
        """
        if not self.augment:
            return images, targets
        draws = torch.rand((5, len(images)), generator=generator, device=images.device)
        signs = torch.stack(
            [
                torch.where((draws[0] < 0.5) & self.flip, -1.0, 1.0),
                torch.where((draws[1] < 0.5) & self.flip_vertical, -1.0, 1.0),
            ],
            1,
        )
        if self.zoom == 1 and self.shift == 0:
            return _flipped(images, signs), moved(targets, signs, torch.zeros_like(signs), images.shape[2:])
        scale = torch.exp((2 * draws[2] - 1) * math.log(self.zoom))[:, None] * signs
        shift = (2 * draws[3:].T - 1) * 2 * self.shift
        return _seen(images, scale, shift, fill), moved(targets, scale, shift, images.shape[2:])


def moved(targets: dict[str, Tensor], scale: Tensor, shift: Tensor, size: torch.Size) -> dict[str, Tensor]:
    """Move boxes with their images.

    Args:
        targets: `boxes` (n, m, 4) and `labels` (n, m).
        scale: (n, 2), the factor of x and of y about the middle of the image; below 0 where it is flipped.
        shift: (n, 2), how far x and y are shifted then, in halves of the width and height.
        size: height and width of the images.

    Returns:
        The new targets. A box is cut off at the sides of the image, and left out if its middle is outside.
    """
    boxes, labels = targets["boxes"], targets["labels"]
    half = torch.tensor([size[1] / 2, size[0] / 2], device=boxes.device)
    points = boxes.view(*boxes.shape[:2], 2, 2)
    there = (points - half) * scale[:, None, None] + shift[:, None, None] * half + half
    low, high = there.amin(2), there.amax(2)
    middle = (low + high) / 2
    kept = (labels >= 0) & (middle >= 0).all(2) & (middle < 2 * half).all(2)
    inside = torch.cat((low.clamp(min=0), torch.minimum(high, 2 * half)), 2)
    return {"boxes": inside * kept[..., None], "labels": torch.where(kept, labels, -1)}


def _flipped(images: Tensor, signs: Tensor) -> Tensor:
    across = torch.where(signs[:, 0].view(-1, 1, 1, 1) < 0, images.flip(3), images)
    return torch.where(signs[:, 1].view(-1, 1, 1, 1) < 0, across.flip(2), across)


def _seen(images: Tensor, scale: Tensor, shift: Tensor, fill: Tensor) -> Tensor:
    """The images scaled about their middle and shifted, each pixel between the four that it comes from."""
    inverse = torch.zeros((len(images), 2, 3), device=images.device)
    inverse[:, 0, 0], inverse[:, 1, 1] = 1 / scale[:, 0], 1 / scale[:, 1]
    inverse[:, :, 2] = -shift / scale
    grid = functional.affine_grid(inverse, list(images.shape), align_corners=False)
    return functional.grid_sample(images.float() - fill, grid, align_corners=False) + fill
