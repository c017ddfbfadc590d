"""Images brought to one size without distortion: scaled until they fit, and the rest filled in grey."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

__all__ = ["GREY", "Placed", "letterbox", "placed"]

Array = np.ndarray[Any, Any]
GREY = 114
"""The value of the pixels around an image."""


@dataclass(frozen=True)
class Placed:
    """Where an image lies in its frame.

    Attributes:
        scale: the pixels of the frame for each pixel of the image.
        left: the first column of the image in the frame.
        top: its first row there.
        height: of the image before it was scaled.
        width: of the image before it was scaled.
    """

    scale: float
    left: int
    top: int
    height: int
    width: int

    def into(self, boxes: Array) -> Array:
        """Bring boxes from the image into the frame.

        Args:
            boxes: (k, 4), left, top, right, bottom.

        Returns:
            The same in the pixels of the frame.
        """
        found: Array = boxes * self.scale + np.array([self.left, self.top] * 2)
        return found

    def out_of(self, boxes: Array) -> Array:
        """Bring boxes from the frame back into the image, cut off at its sides.

        Args:
            boxes: (k, 4), left, top, right, bottom.

        Returns:
            The same in the pixels of the image.
        """
        found = (boxes - np.array([self.left, self.top] * 2)) / self.scale
        inside: Array = np.clip(found, 0, np.array([self.width, self.height] * 2))
        return inside


def placed(size: tuple[int, int], frame: tuple[int, int] | None) -> Placed:
    """Find the place of an image in a frame.

    Args:
        size: height and width of the image.
        frame: height and width of the frame; None for those of the image.

    Returns:
        The place: as large as it fits, in the middle.
    """
    height, width = size
    if frame is None or frame == size:
        return Placed(1.0, 0, 0, height, width)
    scale = min(frame[0] / height, frame[1] / width)
    high, wide = _scaled(size, scale)
    return Placed(scale, (frame[1] - wide) // 2, (frame[0] - high) // 2, height, width)


def letterbox(image: Array, frame: tuple[int, int] | None) -> Array:
    """Put an image into a frame.

    Args:
        image: (h, w) or (h, w, 3), uint8.
        frame: height and width of the frame; None keeps the image.

    Returns:
        The frame, of the type and channels of the image.
    """
    size = (image.shape[0], image.shape[1])
    if frame is None or frame == size:
        return image
    place = placed(size, frame)
    high, wide = _scaled(size, place.scale)
    scaled = np.asarray(Image.fromarray(image).resize((wide, high), Image.Resampling.BILINEAR))
    whole = np.full((*frame, *image.shape[2:]), GREY, dtype=image.dtype)
    whole[place.top : place.top + high, place.left : place.left + wide] = scaled
    return whole


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
