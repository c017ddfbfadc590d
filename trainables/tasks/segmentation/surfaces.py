"""The 95 % Hausdorff distance of two regions: how far their surfaces are apart, without the farthest 5 %."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import ndimage

__all__ = ["hd95"]

Array = np.ndarray[Any, Any]
_SHARE = 95


def hd95(found: Array, wanted: Array, spacing: Sequence[float]) -> float | None:
    """Compute the greater of the two directed distances between surfaces, each the 95 % quantile.

    The surface of a region are its positions that have a neighbour outside, along an axis.

    Args:
        found: bool, a region.
        wanted: bool, another one of the same shape.
        spacing: the distance of two positions along each axis.

    Returns:
        The distance in the unit of the spacing; None where a region is empty.
    """
    if not found.any() or not wanted.any():
        return None
    # All surfaces are within the box around both regions, with one position more on each side.
    box = ndimage.find_objects((found | wanted).astype(np.uint8))[0]
    one, other = np.pad(found[box], 1), np.pad(wanted[box], 1)
    surfaces = [region & ~ndimage.binary_erosion(region) for region in (one, other)]
    distances = [ndimage.distance_transform_edt(~surface, sampling=spacing) for surface in surfaces]
    there = np.percentile(distances[1][surfaces[0]], _SHARE)
    back = np.percentile(distances[0][surfaces[1]], _SHARE)
    return float(max(there, back))
