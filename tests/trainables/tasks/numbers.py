"""Images whose targets are numbers: how far a ramp is turned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["turned", "write_turned"]


def turned(count: int = 120, seed: int = 0) -> tuple[Any, Any]:
    """Images (count, 8, 8), uint8, and numbers (count,), float64, about 175 with a deviation of about 43."""
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, 3, count)[:, None, None]
    x, y = np.meshgrid(np.arange(8) - 3.5, np.arange(8) - 3.5)
    ramp = 128 + 20 * (np.cos(angle) * x + np.sin(angle) * y) + rng.normal(0, 5, (count, 8, 8))
    return ramp.clip(0, 255).astype(np.uint8), 100 + 50 * angle[:, 0, 0]


def write_turned(folder: Path, **arrays: Any) -> Path:
    """`angles.npz` with the arrays `x` and `angle`, and others that are given."""
    images, targets = turned()
    path = folder / "angles.npz"
    np.savez(path, **{"x": images, "angle": targets, **arrays})
    return path
