"""Rows of a tensor that several parts of the data share: their numbers take the place of a copy.

    fold = ChosenRows(images, torch.tensor([5, 3, 8]))
    fold.shape                                   # (3, ...), as of a tensor
    fold.index_select(0, torch.tensor([2]))      # a tensor: row 8 of `images`

The folds of a cross-validation are such rows, so that they take the memory of the data once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

__all__ = ["ChosenRows", "Rows", "as_tensor"]


@dataclass(frozen=True, slots=True, eq=False)
class ChosenRows:
    """Rows of a tensor. They have what a part of the data needs of a tensor.

    Attributes:
        whole: (n, ...), the tensor, which others use too.
        numbers: (k,), int64, which of its rows these are, on its device.
    """

    whole: Tensor
    numbers: Tensor

    @property
    def shape(self) -> torch.Size:
        """(k, ...)."""
        return torch.Size((len(self.numbers), *self.whole.shape[1:]))

    @property
    def dtype(self) -> torch.dtype:
        """The type of the tensor."""
        return self.whole.dtype

    @property
    def device(self) -> torch.device:
        """The device of the tensor."""
        return self.whole.device

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: Tensor | slice) -> ChosenRows:
        """Choose some of these rows without a copy of them."""
        places = index.to(self.numbers.device) if isinstance(index, Tensor) else index
        return ChosenRows(self.whole, self.numbers[places])

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        """Copy some of these rows, as `torch.Tensor.index_select` does.

        Args:
            dim: 0.
            index: (j,), int64.

        Returns:
            (j, ...).
        """
        return self.whole.index_select(dim, self.numbers.index_select(0, index))

    def to(self, device: torch.device) -> ChosenRows:
        """Move the whole tensor to a device; where it is there already, it stays the same tensor.

        Args:
            device: where it is stored.

        Returns:
            The same rows there.
        """
        return ChosenRows(self.whole.to(device), self.numbers.to(device))


Rows: TypeAlias = Tensor | ChosenRows
"""(n, ...): a tensor, or rows of one."""


def as_tensor(rows: Rows) -> Tensor:
    """Copy chosen rows into a tensor of their own.

    Args:
        rows: a tensor, or rows of one.

    Returns:
        The same rows; a tensor is returned as it is.
    """
    return rows.whole.index_select(0, rows.numbers) if isinstance(rows, ChosenRows) else rows
