"""What a whole number is: an int that is not True or False."""

from __future__ import annotations

import math
from typing import TypeGuard

__all__ = ["is_whole"]


def is_whole(value: object, low: float = -math.inf, high: float = math.inf) -> TypeGuard[int]:
    """Whether a value is a whole number within bounds.

    Args:
        value: anything; a float is not a whole number, even without a fraction.
        low: the least number that is allowed.
        high: the greatest number that is allowed.

    Returns:
        True for an int from `low` to `high` that is not a bool.
    """
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
