"""Conversion to float32 that refuses a loss of precision."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from trainables.errors import DataError

__all__ = ["as_float32", "check_float32"]

Array = np.ndarray[Any, Any]
_EXACT = (np.float32, np.float16, np.uint8, np.int8, np.uint16, np.int16, np.bool_)
"""The types of which float32 holds every value."""

_LARGEST_LOSS = 1e-3
"""The largest rounding error allowed, as a share of the range of the values."""


def as_float32(array: Array, place: str) -> Array:
    """Convert numbers to float32.

    Args:
        array: numbers of any shape and type.
        place: names the numbers in messages.

    Returns:
        An array of the same shape.

    Raises:
        DataError: rounding would change a value by more than a thousandth of the range of all values.
    """
    check_float32(array.dtype, lambda: [array], place)
    return _rounded(array)


def check_float32(dtype: np.dtype[Any], parts: Callable[[], Iterable[Array]], place: str) -> None:
    """Refuse numbers that float32 cannot tell apart.

    Args:
        dtype: the type of the numbers.
        parts: goes through all of them, in arrays of any shape. It is called twice.
        place: names the numbers in messages.

    Raises:
        DataError: as for `as_float32`.
    """
    if dtype in _EXACT:
        return
    ranges = [(part.min(), part.max()) for part in parts() if part.size]
    if not ranges:
        return
    low, high = np.min([one for one, _ in ranges]), np.max([one for _, one in ranges])
    if low == high or not np.isfinite([low, high]).all():
        return
    loss = max(np.abs(_rounded(part).astype(np.float64) - part).max() for part in parts() if part.size)
    if loss > _LARGEST_LOSS * (float(high) - float(low)):
        raise DataError(
            f"{place} has values from {low:g} to {high:g}, which float32 cannot tell apart; subtract the smallest, or "
            "divide by the largest"
        )


def _rounded(array: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(array, dtype=np.float32)
