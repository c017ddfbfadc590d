"""Splits by group: all examples of a group, such as those of one speaker, are on one side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from trainables.data.parts import PartName
from trainables.errors import DataError

__all__ = ["drawn_groups", "numbered_groups"]

Array = np.ndarray[Any, Any]


def drawn_groups(codes: Array, share: float, seed: int, title: str) -> Array:
    """Draw groups in random order, until their examples are nearest to a share of all.

    Args:
        codes: the number of the group of each example, (n,), at least 0.
        share: the share of the examples that is wanted.
        seed: decides the order.
        title: names the part or the column in messages.

    Returns:
        Which examples are drawn, (n,), bool; at least one group is, and one is not.

    Raises:
        DataError: there are fewer than two groups.
    """
    sizes = np.bincount(codes)
    present = np.flatnonzero(sizes)
    if len(present) < 2:
        raise DataError(
            f"{title}: validation_groups has {len(present)} group left and each part needs one; give examples of more "
            "groups, or other groups"
        )
    order = present[torch.randperm(len(present), generator=torch.Generator().manual_seed(seed)).numpy()]
    totals = np.cumsum(sizes[order])[:-1]
    count = int(np.abs(totals - share * len(codes)).argmin()) + 1
    return np.isin(codes, order[:count])


def numbered_groups(groups: Mapping[PartName, Sequence[object]], title: str, name: str) -> dict[str, torch.Tensor]:
    """Number the groups over all parts.

    Args:
        groups: the group of each example by the part.
        title: what decides the groups, such as the name of a column.
        name: names the data in messages.

    Returns:
        The number of the group of each example, (n,), int64, by the part.

    Raises:
        DataError: an example has no group, or a group is in two parts.
    """
    codes: dict[str, int] = {}
    of_part: dict[str, PartName] = {}
    found: dict[str, torch.Tensor] = {}
    for part, values in groups.items():
        for row, value in enumerate(values):
            if value is None or value != value:
                raise DataError(
                    f"{name}: {part} example {row} has no group in {title!r}; fill it in, or drop the example"
                )
            group = str(value)
            if of_part.setdefault(group, part) != part:
                raise DataError(
                    f"{name}: group {group!r} of {title!r} has examples for {of_part[group]} and for {part}; move them "
                    "to one part, or leave validation_groups out"
                )
            codes.setdefault(group, len(codes))
        found[part] = torch.tensor([codes[str(value)] for value in values], dtype=torch.int64)
    return found
