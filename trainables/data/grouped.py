"""Splits by group: all examples of a group, such as those of one speaker, are on one side."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from trainables.errors import DataError

__all__ = ["drawn_groups"]

Array = np.ndarray[Any, Any]


def drawn_groups(codes: Array, share: float, seed: int, title: str) -> Array:
    """Draw groups in random order, until their examples are nearest to a share of all.

    Args:
        codes: the number of the group of each example, (n,), at least 0.
        share: the share of the examples that is wanted.
        seed: decides the order.
        title: what decides the groups, for messages, such as the name of a column.

    Returns:
        Which examples are drawn, (n,), bool; at least one group is, and one is not.

    Raises:
        DataError: there are fewer than two groups.
    """
    sizes = np.bincount(codes)
    present = np.flatnonzero(sizes)
    if len(present) < 2:
        raise DataError(
            f"validation_groups is {title!r}, which has {len(present)} group left and each part needs one; "
            "give rows of more groups, or another column"
        )
    order = present[torch.randperm(len(present), generator=torch.Generator().manual_seed(seed)).numpy()]
    totals = np.cumsum(sizes[order])[:-1]
    count = int(np.abs(totals - share * len(codes)).argmin()) + 1
    return np.isin(codes, order[:count])
