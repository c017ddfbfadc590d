"""Numbers of any kind as float32, without a silent loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainables.errors import DataError

__all__ = ["as_float32"]

_LARGEST_LOSS = 1e-3
"""Of the distance between the smallest and the largest value."""


def as_float32(array: np.ndarray[Any, Any], place: str) -> np.ndarray[Any, Any]:
    """The same values in float32.

    Raises:
        DataError: rounding would change them by more than a thousandth of their range; `place` names them.
    """
    with np.errstate(over="ignore"):
        rounded = np.ascontiguousarray(array, dtype=np.float32)
    if array.dtype in (np.float32, np.float16, np.uint8, np.int8, np.uint16, np.int16, np.bool_) or not array.size:
        return rounded
    low, high = array.min(), array.max()
    if low == high or not np.isfinite([low, high]).all():
        return rounded
    if np.abs(rounded.astype(np.float64) - array).max() > _LARGEST_LOSS * (float(high) - float(low)):
        raise DataError(
            f"{place} has values from {low:g} to {high:g}, which float32 cannot tell apart; subtract the smallest, or "
            "divide by the largest"
        )
    return rounded
