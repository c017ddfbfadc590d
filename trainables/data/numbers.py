"""Conversion to float32 that refuses a loss of precision."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainables.errors import DataError

__all__ = ["as_float32"]

_LARGEST_LOSS = 1e-3
"""The largest rounding error allowed, as a share of the range of the values."""


def as_float32(array: np.ndarray[Any, Any], place: str) -> np.ndarray[Any, Any]:
    """Convert numbers to float32.

    Args:
        array: numbers of any shape and type.
        place: names the numbers in messages.

    Returns:
        An array of the same shape.

    Raises:
        DataError: rounding would change a value by more than a thousandth of the range of all values.
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
