"""Rows of a table that are read while the network trains: encoded once, into a file of this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from trainables.data.parts import PartName
from trainables.data.streaming import MappedArray, MappedRows
from trainables.data.streaming.scratch import Scratch
from trainables.data.tables.encoding import Encoding
from trainables.data.tables.on_disk import DiskRows, TableRows

__all__ = ["StreamedTable", "row_hashes"]

Array = np.ndarray[Any, Any]
_ODD = np.uint64(0x9E3779B97F4A7C15)
"""Multiplied by it, the hash of a row depends on the order of its cells."""


@dataclass(frozen=True, slots=True, eq=False)
class StreamedTable:
    """All rows of the files of a table, of whatever part.

    Attributes:
        numbers: (n, columns), float32, as `Encoding.encode` returns them.
        codes: (n, columns), int64, likewise.
        hashes: (n,), uint64, of the cells of each row that are inputs.
    """

    numbers: MappedRows | Tensor
    codes: MappedRows | Tensor
    hashes: Array

    @classmethod
    def of(cls, parts: Mapping[PartName, DiskRows], encoding: Encoding, *, loaders: int) -> StreamedTable:
        """Encode the rows of all parts.

        Args:
            parts: rows among those of the same files.
            encoding: of their columns.
            loaders: the number of threads that read them later.

        Returns:
            The encoded rows.

        Raises:
            DataError: a cell of a column of numbers is not a finite number, float32 cannot tell the numbers of a part
                apart, a file is damaged, or the disk is full.
        """
        for part, rows in parts.items():
            # What float32 cannot hold is seen in whole columns alone; those of training are read by the scaling.
            for _ in encoding.columns_of_numbers(rows, f"{part} rows") if part != "train" else ():
                pass
        numbers, codes, hashes = Scratch(), Scratch(), []
        for place, piece in next(iter(parts.values())).pieces(encoding.columns):
            of_numbers, of_codes = encoding.encode_piece(piece, place)
            numbers.append(of_numbers)
            codes.append(of_codes.astype(np.int32))
            hashes.append(row_hashes(piece, encoding.columns))
        count = sum(map(len, hashes))
        return cls(
            _numbers(numbers, (count, len(encoding.numbers)), loaders),
            _codes(codes, (count, len(encoding.categories)), loaders),
            np.concatenate(hashes),
        )

    def inputs(self, rows: DiskRows, device: torch.device) -> tuple[MappedRows | Tensor, MappedRows | Tensor]:
        """Choose rows.

        Args:
            rows: of the files.
            device: where they are stored once they were read.

        Returns:
            Their numbers and codes.
        """
        places = torch.from_numpy(rows.numbers)
        return self.numbers[places].to(device), self.codes[places].to(device)


def row_hashes(rows: TableRows, columns: Sequence[str], before: Array | None = None) -> Array:
    """Hash the cells of rows; equal numbers have equal hashes, whatever their type.

    Args:
        rows: the rows.
        columns: the columns that count.
        before: (n,), uint64, hashes of other cells of these rows that count too.

    Returns:
        (n,), uint64.
    """
    found = np.zeros(len(rows), np.uint64) if before is None else before
    for column in columns:
        series = rows[column]
        if pd.api.types.is_numeric_dtype(series):
            cells = np.asarray(series.astype("float64"), dtype=np.float64) + 0.0  # -0.0 equals 0.0
        else:
            cells = series.astype(str).to_numpy(dtype=object)
        found = (found ^ pd.util.hash_array(cells)) * _ODD
    return found


def _numbers(scratch: Scratch, shape: tuple[int, int], loaders: int) -> MappedRows | Tensor:
    array = scratch.mapped(np.dtype(np.float32))
    if not array.size:
        return torch.zeros(shape)
    return MappedRows.of(MappedArray.of_rows(array.reshape(shape)), loaders=loaders)


def _codes(scratch: Scratch, shape: tuple[int, int], loaders: int) -> MappedRows | Tensor:
    """Codes take half of the disk as they are stored."""
    array = scratch.mapped(np.dtype(np.int32))
    if not array.size:
        return torch.zeros(shape, dtype=torch.int64)
    return MappedRows.of(MappedArray.of_rows(array.reshape(shape)), _widened, loaders=loaders)


def _widened(rows: Array) -> Array:
    return rows.astype(np.int64)
