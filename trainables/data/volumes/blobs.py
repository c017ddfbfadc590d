"""Small images and volumes with masks that a seed draws: a long body with a tip, among noise and other bright spots.

`blobs3d` has 48 volumes of 24 x 24 x 24 voxels, `blobs2d` 96 images of 40 x 40 pixels, each of one channel. Class 1 is
the body, class 2 the tip at its end; both are brighter than what surrounds them, and so are spots that belong to no
class. Two scans each are of one patient, whose body differs little between them. They are drawn in a second and need no
file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

__all__ = ["BLOBS", "Blobs", "drawn_blobs"]

Array = np.ndarray[Any, Any]
BLOBS = {"blobs2d": 2, "blobs3d": 3}
"""The number of dimensions by the name of the data."""
CLASSES = ("background", "body", "tip")
_COUNTS = {2: (96, 40), 3: (48, 24)}
"""How many scans there are, and their side, by the number of dimensions."""
_SPOTS = 4
_NOISE = 14.0


@dataclass(frozen=True)
class Blobs:
    """Drawn scans.

    Attributes:
        images: (n, 1, ...), uint8.
        masks: (n, ...), uint8.
        patients: (n,), the name of the patient of each.
    """

    images: Array
    masks: Array
    patients: Array


@lru_cache(maxsize=2)
def drawn_blobs(dimensions: int, seed: int = 0) -> Blobs:
    """Draw the scans. The same seed gives the same scans.

    Args:
        dimensions: 2 or 3.
        seed: decides everything.

    Returns:
        The scans; do not change them.
    """
    count, side = _COUNTS[dimensions]
    rng = np.random.default_rng(seed)
    images = np.zeros((count, 1, *[side] * dimensions), dtype=np.uint8)
    masks = np.zeros((count, *[side] * dimensions), dtype=np.uint8)
    for pair in range(count // 2):
        centre = side * rng.uniform(0.36, 0.56, dimensions)
        along = _direction(rng, dimensions)
        size = side * rng.uniform(0.16, 0.24)
        for place in (2 * pair, 2 * pair + 1):
            moved = centre + rng.normal(scale=0.03 * side, size=dimensions)
            turned = along + rng.normal(scale=0.15, size=dimensions)
            images[place, 0], masks[place] = _drawn(rng, side, moved, turned / np.linalg.norm(turned), size)
    patients = np.array([f"patient_{number // 2:02d}" for number in range(count)])
    return Blobs(images, masks, patients)


def _direction(rng: np.random.Generator, dimensions: int) -> Array:
    drawn = np.asarray(rng.normal(size=dimensions))
    return drawn / np.linalg.norm(drawn)


def _drawn(rng: np.random.Generator, side: int, centre: Array, along: Array, size: float) -> tuple[Array, Array]:
    """One scan and its mask: a body that is longer along one direction, and a ball at its end."""
    axes = np.meshgrid(*[np.arange(side, dtype=float)] * len(centre), indexing="ij", sparse=True)
    length = _projected(axes, along) - float(centre @ along)
    across = np.sqrt(np.maximum(_squared(axes, centre) - length**2, 0))
    bent = across + 0.02 * length**2 / max(size, 1.0)
    body = (length / (1.5 * size)) ** 2 + (bent / (0.75 * size)) ** 2 < 1
    tip = _squared(axes, centre + 1.45 * size * along) < (0.62 * size) ** 2
    mask = np.where(tip, 2, np.where(body, 1, 0)).astype(np.uint8)
    slope = _projected(axes, _direction(rng, len(centre))) / side
    value = 60 + 25 * np.sin(4 * slope + rng.uniform(0, 6))
    for _ in range(_SPOTS):
        spot = _squared(axes, side * rng.uniform(0, 1, len(centre))) < (side * rng.uniform(0.05, 0.1)) ** 2
        value = np.where(spot & (mask == 0), 150.0, value)
    gain = rng.uniform(0.85, 1.15)
    value = np.where(mask == 1, 120.0, np.where(mask == 2, 165.0, value)) * gain
    noise = rng.normal(scale=_NOISE, size=value.shape)
    return np.clip(_smooth(value) + noise, 0, 255).astype(np.uint8), mask


def _projected(axes: Sequence[Array], along: Array) -> Array:
    """How far each place lies along a direction."""
    total = np.zeros(())
    for axis, share in zip(axes, along, strict=True):
        total = total + axis * share
    return total


def _squared(axes: Sequence[Array], centre: Array) -> Array:
    """The squared distance of each place from a point."""
    total = np.zeros(())
    for axis, place in zip(axes, centre, strict=True):
        total = total + (axis - place) ** 2
    return total


def _smooth(value: Array) -> Array:
    """A mean over three neighbours along each axis."""
    for axis in range(value.ndim):
        before, after = np.roll(value, 1, axis), np.roll(value, -1, axis)
        value = (before + 2 * value + after) / 4
    return value
