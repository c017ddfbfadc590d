"""Rows of a table that stay on the disk: of all rows one column is read, or of some rows all columns.

    rows = read_table(path, path, ["price"], on_disk=True).parts["train"]
    rows["age"]                  # a Series: this column, read now
    rows.take([3, 8])            # these rows; nothing is read

Of a data frame they have what loading needs, so that a table is split and encoded in one way, wherever it lies.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow
from pyarrow import parquet

from trainables.data.parquet_columns import opened
from trainables.data.streaming.memory import free_memory
from trainables.data.streaming.scratch import scratch_file, unwritten
from trainables.errors import DataError, first_line

__all__ = ["DiskRows", "TableFile", "TableRows", "column_bytes", "joined_rows", "rows_of"]

Array = np.ndarray[Any, Any]
_ROWS = 2**17
"""The rows of a piece that is read with all columns."""
_SHARE = 0.125
"""The share of the free memory that columns of a CSV file may take while they are rewritten."""


@dataclass(frozen=True, slots=True, eq=False)
class TableFile:
    """A file of a table.

    Attributes:
        place: names it in messages.
        files: open Parquet files, each with all rows and some of the columns, in groups of rows of the same sizes.
        missing: texts that stand for a missing value.
    """

    place: str
    files: tuple[parquet.ParquetFile, ...]
    missing: tuple[str, ...] = ()

    @classmethod
    def of_parquet(cls, path: Path, missing: Sequence[str] = ()) -> TableFile:
        """Open a Parquet file.

        Args:
            path: the file.
            missing: texts that stand for a missing value.

        Returns:
            The file; its columns are read later.

        Raises:
            DataError: it is damaged.
        """
        return cls(str(path), (opened(path),), tuple(missing))

    @classmethod
    def of_frames(
        cls, place: str, frame_of: Callable[[Sequence[int]], pd.DataFrame], sizes: Sequence[int], missing: Sequence[str]
    ) -> TableFile:
        """Write columns into Parquet files of this process, as many at once as fit into memory.

        Args:
            place: names the table in messages.
            frame_of: reads columns by their positions, each with all rows.
            sizes: the bytes of each column in memory.
            missing: texts that stand for a missing value.

        Returns:
            The files, which go with the process.

        Raises:
            DataError: `frame_of` does, or the disk is full.
        """
        files, most = [], _SHARE * free_memory()
        groups: list[list[int]] = [[]]
        for column, size in enumerate(sizes):
            if groups[-1] and sum(sizes[one] for one in groups[-1]) + size > most:
                groups.append([])
            groups[-1].append(column)
        for group in groups:
            path = scratch_file()
            try:
                frame_of(group).to_parquet(path, row_group_size=_ROWS, index=False)
                files.append(parquet.ParquetFile(pyarrow.OSFile(str(path)), pre_buffer=False))
            except OSError as error:
                raise unwritten(path, error) from error
            finally:
                with suppress(OSError):  # where an open file cannot be removed, it goes with the process
                    path.unlink()
        return cls(place, tuple(files), tuple(missing))

    def __len__(self) -> int:
        return int(self.files[0].metadata.num_rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, without those of an index that pandas kept."""
        return tuple(name for file in self.files for name in _columns_of(file))

    def column(self, name: str) -> pd.Series[Any]:
        """Read a column.

        Args:
            name: of the column.

        Returns:
            All rows of it.

        Raises:
            DataError: the file is damaged.
        """
        file = next(file for file in self.files if name in _columns_of(file))
        try:
            table = file.read(columns=[name])
        except (OSError, pyarrow.ArrowException) as error:
            raise self._damaged(error) from error
        return self._frame(table)[name]

    def pieces(self, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        """Go through the rows in order.

        Args:
            columns: the names of the columns.

        Yields:
            Some rows with these columns.

        Raises:
            DataError: the file is damaged.
        """
        wanted = [[name for name in _columns_of(file) if name in columns] for file in self.files]
        read = [
            file.iter_batches(_ROWS, columns=names) for file, names in zip(self.files, wanted, strict=True) if names
        ]
        try:
            for batches in zip(*read, strict=True):
                frames = [self._frame(pyarrow.Table.from_batches([one])) for one in batches]
                yield frames[0] if len(frames) == 1 else pd.concat(frames, axis=1)
        except (OSError, pyarrow.ArrowException) as error:
            raise self._damaged(error) from error

    def _frame(self, table: pyarrow.Table) -> pd.DataFrame:
        frame = pd.DataFrame(table.to_pandas()).reset_index(drop=True)
        for name in frame.columns if self.missing else ():
            if pd.api.types.is_string_dtype(frame[name]):
                frame[name] = frame[name].mask(frame[name].isin(self.missing))
        return frame

    def _damaged(self, error: Exception) -> DataError:
        return DataError(f"{self.place} is not a complete Parquet file ({first_line(error)}); fetch or write it again")


@dataclass(frozen=True, slots=True, eq=False)
class DiskRows:
    """Rows of a table on the disk.

    Attributes:
        files: the files, whose rows follow each other.
        columns: the names of the columns.
        numbers: (n,), int64, which of the rows these are.
        made: columns that are in no file, for these rows, by their names.
    """

    files: tuple[TableFile, ...]
    columns: tuple[str, ...]
    numbers: Array
    made: Mapping[str, Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, name: str) -> pd.Series[Any]:
        """Read a column of these rows."""
        if name in self.made:
            return pd.Series(self.made[name], name=name)
        found, places, first = [], [], 0
        for file in self.files:
            here = np.flatnonzero((self.numbers >= first) & (self.numbers < first + len(file)))
            if len(here):
                found.append(file.column(name).take(self.numbers[here] - first))
                places.append(here)
            first += len(file)
        if not found:
            return self.files[0].column(name)[:0]
        whole = found[0] if len(found) == 1 else pd.concat(found)
        if len(found) > 1:
            whole = whole.take(np.argsort(np.concatenate(places), kind="stable"))
        return whole.reset_index(drop=True)

    def take(self, rows: Sequence[int] | Array) -> DiskRows:
        """Choose rows.

        Args:
            rows: (k,), their places among these.

        Returns:
            The rows.
        """
        made = {name: values[rows] for name, values in self.made.items()}
        return replace(self, numbers=self.numbers[rows], made=made)

    def drop(self, *, columns: str | Collection[str]) -> DiskRows:
        """Leave columns out.

        Args:
            columns: their names.

        Returns:
            The rows without them.
        """
        left = {columns} if isinstance(columns, str) else set(columns)
        made = {name: values for name, values in self.made.items() if name not in left}
        return replace(self, columns=tuple(name for name in self.columns if name not in left), made=made)

    def assign(self, **made: Any) -> DiskRows:
        """Add columns that are in no file.

        Args:
            made: (n,) for each name.

        Returns:
            The rows with them.
        """
        return replace(self, columns=(*self.columns, *made), made={**self.made, **made})

    def pieces(self, columns: Sequence[str]) -> Iterator[tuple[str, pd.DataFrame]]:
        """Go through all rows of the files in order, whichever of them these are.

        Args:
            columns: the names of columns of the files.

        Yields:
            What names some rows in messages, and these rows.
        """
        for file in self.files:
            first = 0
            for frame in file.pieces(columns):
                yield f"rows {first} to {first + len(frame) - 1} of {file.place}", frame
                first += len(frame)


TableRows: TypeAlias = pd.DataFrame | DiskRows
"""Rows of a table, in memory or on the disk."""


def rows_of(rows: TableRows, places: Array) -> TableRows:
    """Choose rows.

    Args:
        rows: the rows.
        places: (k,), which of them.

    Returns:
        These rows, counted anew.
    """
    chosen = rows.take(places)
    return chosen if isinstance(chosen, DiskRows) else chosen.reset_index(drop=True)


def joined_rows(first: TableRows, second: TableRows) -> TableRows:
    """Put rows of a table behind others of it.

    Args:
        first: some rows.
        second: others of the same columns; of the same files where they are on the disk.

    Returns:
        All of them.
    """
    if isinstance(first, DiskRows) and isinstance(second, DiskRows):
        made = {name: np.concatenate((values, second.made[name])) for name, values in first.made.items()}
        return replace(first, numbers=np.concatenate((first.numbers, second.numbers)), made=made)
    frames = [rows for rows in (first, second) if isinstance(rows, pd.DataFrame)]
    return pd.concat(frames, ignore_index=True)


def column_bytes(sample: pd.DataFrame, rows: float) -> list[int]:
    """Estimate the memory of the columns of a table.

    Args:
        sample: some of its rows.
        rows: how many it has.

    Returns:
        Bytes of each column.
    """
    used = sample.memory_usage(index=False, deep=True).to_numpy()
    return [int(one / max(1, len(sample)) * rows) for one in used]


def _columns_of(file: parquet.ParquetFile) -> list[str]:
    kept = file.schema_arrow.pandas_metadata or {}
    index = [one for one in kept.get("index_columns", ()) if isinstance(one, str)]
    return [name for name in file.schema_arrow.names if name not in index]
