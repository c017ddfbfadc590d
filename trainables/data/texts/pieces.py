"""Long arrays of tokens, a piece at a time, whether they are in memory or on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

__all__ = ["pieces_of", "unique_of"]

Array = np.ndarray[Any, Any]
_TOKENS = 2**22
"""Tokens of a piece."""


def pieces_of(points: Array, *, overlap: int = 0) -> Iterator[Array]:
    """Go through tokens in order.

    Args:
        points: (n,).
        overlap: how many tokens of the next piece each piece has at its end.

    Yields:
        The pieces, each a view.
    """
    for start in range(0, len(points), _TOKENS):
        yield points[start : start + _TOKENS + overlap]


def unique_of(points: Array) -> Array:
    """Find the different tokens.

    Args:
        points: (n,), at least one.

    Returns:
        (k,), ascending.
    """
    found: Array = np.unique(np.concatenate([np.unique(piece) for piece in pieces_of(points)]))
    return found
