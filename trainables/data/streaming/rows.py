"""Rows of arrays on the disk that stand in the place of a tensor of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import tee
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor

from trainables.data.streaming.ahead import prepared_ahead
from trainables.data.streaming.mapped import MappedArray

__all__ = ["MappedRows", "read_ahead"]

Array = np.ndarray[Any, Any]


@runtime_checkable
class _Ahead(Protocol):
    """Rows that are prepared while others are used."""

    def ahead(self, batches: Iterable[Tensor]) -> Iterator[Tensor]: ...


class _Selected(Protocol):
    """Rows that are taken when they are asked for."""

    def index_select(self, dim: int, index: Tensor) -> Tensor: ...


def read_ahead(several: Sequence[_Selected], batches: Iterable[Tensor]) -> Iterator[tuple[Tensor, ...]]:
    """Take batches of rows that belong together; streamed ones are read ahead.

    Args:
        several: tensors of the same length, or what stands in their place.
        batches: the numbers of the rows of each batch, (k,), int64.

    Returns:
        For each batch its rows of each of `several`.
    """
    taken = zip(several, tee(batches, len(several)), strict=True)
    return zip(*(_batches_of(rows, some) for rows, some in taken), strict=True)


def _batches_of(rows: _Selected, batches: Iterable[Tensor]) -> Iterator[Tensor]:
    return rows.ahead(batches) if isinstance(rows, _Ahead) else (rows.index_select(0, index) for index in batches)


def _as_they_are(rows: Array) -> Array:
    return rows


@dataclass(frozen=True, slots=True, eq=False)
class MappedRows:
    """Rows that are read each time they are asked for. Of a tensor they have what a part of the data needs.

    Attributes:
        arrays: the arrays on the disk, whose rows follow each other.
        converted: brings rows as they are stored, (k, ...), to the form in which they are used.
        numbers: (n,), int64, on the CPU, which of the rows these are.
        loaders: the number of threads that read.
        device: where rows are stored that were read.
        row_shape: the shape of a row in the form in which it is used.
        dtype: its type.
    """

    arrays: tuple[MappedArray, ...]
    converted: Callable[[Array], Array]
    numbers: Tensor
    loaders: int
    device: torch.device
    row_shape: torch.Size
    dtype: torch.dtype

    @classmethod
    def of(cls, array: MappedArray, converted: Callable[[Array], Array] = _as_they_are, *, loaders: int) -> MappedRows:
        """Take all rows of an array, on the CPU.

        Args:
            array: on the disk.
            converted: as the attribute; it is called with no row, too. By default rows are stored as they are used.
            loaders: the number of threads that read.

        Returns:
            The rows.
        """
        none = torch.from_numpy(converted(array.rows([])))
        numbers = torch.arange(len(array))
        return cls((array,), converted, numbers, loaders, torch.device("cpu"), none.shape[1:], none.dtype)

    @property
    def shape(self) -> torch.Size:
        """(n, ...)."""
        return torch.Size((len(self.numbers), *self.row_shape))

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: Tensor | slice) -> MappedRows:
        """Choose rows without reading any."""
        return replace(self, numbers=self.numbers[index.cpu() if isinstance(index, Tensor) else index])

    def to(self, device: torch.device) -> MappedRows:
        """Choose where rows are stored that were read.

        Args:
            device: the device.

        Returns:
            The same rows.
        """
        return replace(self, device=device)

    def joined(self, other: MappedRows) -> MappedRows:
        """Concatenate rows.

        Args:
            other: rows of the same shape, type and form.

        Returns:
            These rows, followed by the others.
        """
        first = sum(map(len, self.arrays))
        numbers = torch.cat((self.numbers, other.numbers + first))
        return replace(self, arrays=(*self.arrays, *other.arrays), numbers=numbers)

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        """Read some rows, as `torch.Tensor.index_select` takes them.

        Args:
            dim: 0.
            index: (k,), int64.

        Returns:
            (k, ...).
        """
        return torch.from_numpy(self._read(self.numbers[index.cpu()].tolist())).to(self.device)

    def ahead(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """Read batches in order, the next two while one is used.

        Args:
            batches: the numbers of the rows of each batch, (k,), int64.

        Yields:
            (k, ...) for each.
        """
        for parts in prepared_ahead(self._read, (self.numbers[one.cpu()].tolist() for one in batches), self.loaders):
            if not parts:
                yield torch.empty((0, *self.row_shape), dtype=self.dtype, device=self.device)
                continue
            yield torch.from_numpy(parts[0] if len(parts) == 1 else np.concatenate(parts)).to(self.device)

    def _read(self, numbers: Sequence[int]) -> Array:
        if len(self.arrays) == 1:
            return self.converted(self.arrays[0].rows(numbers))
        wanted, first = np.asarray(numbers, dtype=np.int64), 0
        whole = np.empty((len(wanted), *self.row_shape), dtype=self.converted(self.arrays[0].rows([])).dtype)
        for array in self.arrays:
            places = np.flatnonzero((wanted >= first) & (wanted < first + len(array)))
            if len(places):
                whole[places] = self.converted(array.rows((wanted[places] - first).tolist()))
            first += len(array)
        return whole
