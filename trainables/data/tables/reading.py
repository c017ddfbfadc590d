"""Reading of tables: Parquet and CSV files, folders of them, and data frames, in the parts that they have."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from search_spaces.names import did_you_mean
from trainables.data.parquet_columns import PARQUET_ENDINGS, SPLIT_NAMES, holds_bytes, opened
from trainables.data.parts import PARTS, PartName, part_of, parts_of_files, usual_names, visible
from trainables.data.tables.on_disk import DiskRows, TableFile, TableRows, column_bytes, rows_of
from trainables.errors import DataError, first_line
from trainables.kept_data import is_kept, kept_file

__all__ = [
    "RawTable",
    "bytes_in_memory",
    "columns_of_array",
    "is_table",
    "places_of",
    "read_rows",
    "read_table",
    "table_files",
]

_MOST_SPLITS = 30
"""Distinct texts above which a column does not hold the names of parts."""
_SEPARATORS = (",", ";", "\t", "|")
_SAMPLE = 1_000
"""The rows by which the size of a table in memory is estimated."""
_COMPRESSED = 5
"""How many times larger a compressed CSV file is taken to be, for that."""
_CHUNK = 2**17
"""The rows of a CSV file that are checked at once."""


@dataclass(frozen=True)
class RawTable:
    """A table in the parts that its author gave it.

    Attributes:
        name: names the table in messages.
        parts: the rows by part, "train" among them; a table without parts is all "train".
        notes: for people.
        targets: the columns that are predicted, once they are known.
        classes: the names of the classes, where a column of lists became those columns; else empty.
    """

    name: str
    parts: Mapping[PartName, TableRows]
    notes: Sequence[str] = ()
    targets: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


def table_files(path: Path) -> list[Path]:
    """Find the files of a table.

    Args:
        path: a file, or a folder that is searched at any depth.

    Returns:
        The visible files that can be read, sorted; empty where there are none.
    """
    found = visible(path.glob("**/*"), path) if path.is_dir() else [path]
    return [file for file in found if _reader(file) is not None]


def is_table(data: object, root: object) -> bool:
    """Check whether data are rows of a table rather than images. Reads the names and types of columns alone.

    Args:
        data: the data of a search: a path, a data frame, or something else.
        root: the folder of relative paths; None for the environment variable NAS_TUNE_DATA.

    Returns:
        True for a data frame, for CSV files, and for Parquet files without a column of bytes.
    """
    if isinstance(data, pd.DataFrame):
        return True
    if not isinstance(data, str | Path):
        return False
    path = next((place for place in places_of(data, root) if place.exists()), None)
    files = [] if path is None else table_files(path)
    if not files:
        return False
    if files[0].suffix.lower() not in PARQUET_ENDINGS:
        return True
    with opened(files[0]) as file:
        return not any(holds_bytes(column.type) for column in file.schema_arrow)


def places_of(data: str | Path, root: object) -> list[Path]:
    """List where a path may be.

    Args:
        data: the path.
        root: the folder of relative paths; None for the environment variable NAS_TUNE_DATA.

    Returns:
        The file of an object in memory where `data` names one, the path itself, and the one below the folder where
        there is one.
    """
    below = root or os.environ.get("NAS_TUNE_DATA")
    kept = kept_file(data)
    return [*([] if kept is None else [kept]), Path(data), *([Path(str(below)) / data] if below else [])]


def read_table(
    data: Any, path: Path | None, targets: Sequence[str], missing: Sequence[str] = (), *, on_disk: bool = False
) -> RawTable:
    """Read a table in its parts.

    Args:
        data: a data frame; anything else is read from `path`.
        path: a file or folder; None for a data frame.
        targets: the columns that are predicted, of which none is a column of parts.
        missing: texts that stand for a missing value.
        on_disk: whether rows of files stay there.

    Returns:
        The table; the column that named the parts is no longer in it.

    Raises:
        DataError: a file is damaged or of no known kind, or parts or columns do not fit together.
    """
    if path is None:
        return _parted("the data frame", {None: _checked(data, "the data frame", missing)}, targets, [])
    files = table_files(path)
    if not files:
        raise DataError(f"{path} holds no table; .parquet, .csv and .tsv files (also .csv.gz) are read")
    notes: list[str] = []
    by_file = parts_of_files(path, files, notes)
    name = "the given data" if is_kept(data) else str(path)
    if on_disk:
        return _parted(name, _on_disk(path, by_file, missing), targets, notes)
    frames: dict[PartName | None, list[pd.DataFrame]] = {}
    for file in files:
        frames.setdefault(by_file[file], []).append(_checked(_read(file, missing), str(file), missing))
    return _parted(name, {part: _joined(some, path) for part, some in frames.items()}, targets, notes)


def bytes_in_memory(files: Sequence[Path], missing: Sequence[str], *, enough: float) -> float:
    """Estimate the memory that a table takes. Reads the first rows of each file alone.

    Args:
        files: the files.
        missing: texts that stand for a missing value.
        enough: bytes; files that are a hundredth of it are not looked at, and count as nothing.

    Returns:
        Bytes.

    Raises:
        DataError: a file is damaged.
    """
    if 100 * sum(file.stat().st_size for file in files) < enough:
        return 0
    return sum(sum(_column_bytes(file, missing)) for file in files)


def read_rows(x: Any, missing: Sequence[str] = ()) -> tuple[pd.DataFrame, str]:
    """Read rows to predict from, whatever their parts.

    Args:
        x: a data frame, a dict of columns, an array (n, columns), or the path of a file or of a folder of files.
        missing: texts that stand for a missing value.

    Returns:
        The rows, and a name of them for messages.

    Raises:
        DataError: there are no rows, or a file is damaged or of no known kind.
    """
    if isinstance(x, Mapping):
        try:
            x = pd.DataFrame(dict(x))
        except ValueError as error:
            raise DataError(f"x is not a table: {first_line(error)}; give columns of one length, by name") from error
    if isinstance(x, list) or (hasattr(x, "__array__") and not isinstance(x, pd.DataFrame)):
        x = columns_of_array(np.asarray(x), "the rows of x")
    if not isinstance(x, str | Path):
        return _checked(x, "x", missing), "the rows of x"
    path = next((place for place in places_of(x, None) if place.exists()), None)
    if path is None:
        raise DataError(f"there is no table {str(x)!r}; correct the path")
    files = table_files(path)
    if not files:
        raise DataError(f"{path} holds no table; .parquet, .csv and .tsv files (also .csv.gz) are read")
    return _joined([_checked(_read(file, missing), str(file), missing) for file in files], path), f"the rows of {path}"


def columns_of_array(array: NDArray[Any], place: str) -> pd.DataFrame:
    """Name the columns of an array x0, x1, and so on.

    Args:
        array: (n, columns) or (n,).
        place: names the array in messages.

    Returns:
        The rows.

    Raises:
        DataError: the array has another number of dimensions.
    """
    if array.ndim not in (1, 2):
        raise DataError(
            f"{place} have the shape {array.shape}, and a table has rows of numbers, (n, columns); reshape "
            "them, or leave the task out if they are images"
        )
    rows = array.reshape(len(array), -1)
    return pd.DataFrame({f"x{number}": rows[:, number] for number in range(rows.shape[1])})


def _parted(
    name: str, frames: Mapping[PartName | None, TableRows], targets: Sequence[str], notes: list[str]
) -> RawTable:
    """Split by a column of parts where files are of no part."""
    if None not in frames:
        parts: dict[PartName, TableRows] = {part: frames[part] for part in PARTS if part in frames}
    else:
        frame = frames[None]
        columns = []
        for title in frame.columns:
            if str(title) not in targets and _is_of_parts(frame[title]):
                columns.append(str(title))
        if len(columns) > 1:
            raise DataError(f"{name}: the columns {', '.join(columns)} all name parts; keep one of them, or give drop=")
        if not columns:
            return RawTable(name, {"train": frame}, notes)
        (column,) = columns
        notes.append(f"split by the column {column}")
        parts = _by_column(name, frame, column)
    if "train" not in parts:
        raise DataError(f"{name} holds only rows for {' and '.join(parts)}; add rows for training")
    for part, frame in parts.items():
        _check_columns(name, parts["train"], frame, part, targets)
        if not len(frame):
            raise DataError(f"{name}: the part {part} has no row; add rows, or leave the part out")
    return RawTable(name, {part: _in_order(frame, parts["train"]) for part, frame in parts.items()}, notes)


def _in_order(rows: TableRows, train: TableRows) -> TableRows:
    order = [str(column) for column in train.columns]
    return replace(rows, columns=tuple(order)) if isinstance(rows, DiskRows) else rows[order].reset_index(drop=True)


def _by_column(name: str, frame: TableRows, column: str) -> dict[PartName, TableRows]:
    cells = frame[column]
    named: dict[Any, PartName | None] = {cell: part_of(str(cell)) for cell in cells.unique() if not pd.isna(cell)}
    unknown = [cell for cell, part in named.items() if part is None]
    if unknown or cells.isna().any():
        cell = repr(unknown[0]) if unknown else "an empty cell"
        raise DataError(f"{name}: the column {column} has {cell}, which names no part; write one of {usual_names()}")
    of_rows, rest = cells.map(named).to_numpy(), frame.drop(columns=column)
    return {part: rows_of(rest, np.flatnonzero(of_rows == part)) for part in PARTS if (of_rows == part).any()}


def _is_of_parts(column: pd.Series[Any]) -> bool:
    if str(column.name).lower() in SPLIT_NAMES:
        return True
    if not (pd.api.types.is_string_dtype(column) or isinstance(column.dtype, pd.CategoricalDtype)):
        return False
    values = column.unique()
    return len(values) <= _MOST_SPLITS and all(isinstance(value, str) and part_of(value) for value in values)


def _check_columns(name: str, train: TableRows, frame: TableRows, part: PartName, targets: Sequence[str]) -> None:
    lacking = [str(column) for column in train.columns if column not in frame.columns]
    if predicted := [column for column in lacking if column in targets]:
        raise DataError(
            f"{name}: the rows for {part} have no column {predicted[0]!r}, the target, and cannot be evaluated; "
            "add it, or leave these rows out and predict them later"
        )
    foreign = [str(column) for column in frame.columns if column not in train.columns]
    if lacking or foreign:
        said = f"lack the column {lacking[0]!r}" if lacking else f"have the column {foreign[0]!r}"
        hint = did_you_mean(foreign[0], lacking) if lacking and foreign else ""
        raise DataError(
            f"{name}: the rows for {part} {said}, unlike those for training{hint}; give all parts the same columns"
        )


def _joined(frames: Sequence[pd.DataFrame], path: Path) -> pd.DataFrame:
    """The rows of several files, whose columns must be the same."""
    _check_alike([list(frame.columns) for frame in frames], path)
    return frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)


def _check_alike(columns: Sequence[Sequence[str]], path: Path) -> None:
    """Refuse files of a part that differ in their columns."""
    for names in columns[1:]:
        if set(names) != set(columns[0]):
            one = sorted(map(str, set(names) ^ set(columns[0])))[0]
            raise DataError(
                f"{path}: the column {one!r} is not in all files of a part; give all files the same columns"
            )


def _on_disk(
    path: Path, by_file: Mapping[Path, PartName | None], missing: Sequence[str]
) -> Mapping[PartName | None, DiskRows]:
    """The rows of each part, all among those of the same files."""
    files = {file: _table_file(file, missing) for file in by_file}
    first, numbers = 0, dict[PartName | None, list[NDArray[np.int64]]]()
    for file, part in by_file.items():
        _check_names(files[file].columns, len(files[file]), str(file))
        numbers.setdefault(part, []).append(np.arange(first, first + len(files[file])))
        first += len(files[file])
    found: dict[PartName | None, DiskRows] = {}
    for part, some in numbers.items():
        columns = [files[file].columns for file, of_part in by_file.items() if of_part == part]
        _check_alike(columns, path)
        found[part] = DiskRows(tuple(files.values()), columns[0], np.concatenate(some))
    return found


def _table_file(path: Path, missing: Sequence[str]) -> TableFile:
    if _reader(path) is _read_parquet:
        return TableFile.of_parquet(path, missing)
    _check_lines(path, missing)
    return TableFile.of_frames(str(path), partial(_read_csv, path, missing), _column_bytes(path, missing), missing)


def _column_bytes(path: Path, missing: Sequence[str]) -> list[int]:
    """The memory that each column takes, by the first rows."""
    if _reader(path) is _read_parquet:
        with opened(path) as file:
            rows = file.metadata.num_rows
            batch = next(file.iter_batches(_SAMPLE), None) if rows else None
            return [] if batch is None else column_bytes(batch.to_pandas(), rows)
    with _csv_of(path, missing, nrows=_SAMPLE) as read:
        sample = pd.DataFrame(read())
    size = path.stat().st_size * (1 if path.name.lower().endswith(("csv", "tsv")) else _COMPRESSED)
    return column_bytes(sample, size / (len(sample.to_csv(index=False)) / max(1, len(sample))))


def _checked(frame: Any, name: str, missing: Sequence[str]) -> pd.DataFrame:
    """A frame with texts as names of columns, each once, and at least one row."""
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"{name} is a {type(frame).__name__}; give a pandas DataFrame, or the path of a file")
    table: pd.DataFrame = frame.rename(columns=str)
    _check_names(list(table.columns), len(table), name)
    if missing:
        texts = [column for column in table.columns if pd.api.types.is_string_dtype(table[column])]
        table = table.assign(**{column: table[column].mask(table[column].isin(missing)) for column in texts})
    return table.reset_index(drop=True)


def _check_names(columns: Sequence[str], rows: int, name: str) -> None:
    twice = [column for place, column in enumerate(columns) if column in columns[:place]]
    if twice:
        raise DataError(f"{name} has the column {twice[0]!r} twice; rename or drop one of them")
    if not rows:
        raise DataError(f"{name} has no row; give a table with rows")


def _read(path: Path, missing: Sequence[str]) -> pd.DataFrame:
    reader = _reader(path)
    if reader is None:
        raise DataError(f"{path} is not a table; .parquet, .csv and .tsv files (also .csv.gz) are read")
    return reader(path, missing)


def _reader(path: Path) -> Callable[[Path, Sequence[str]], pd.DataFrame] | None:
    name = path.name.lower()
    if name.endswith(PARQUET_ENDINGS):
        return _read_parquet
    plain = name.removesuffix(".gz").removesuffix(".bz2").removesuffix(".xz").removesuffix(".zip")
    return _read_csv if plain.endswith((".csv", ".tsv")) else None


def _read_parquet(path: Path, missing: Sequence[str]) -> pd.DataFrame:
    import pyarrow
    from pyarrow import parquet

    try:
        frame = pd.DataFrame(parquet.read_table(path).to_pandas())
    except (OSError, ValueError, pyarrow.ArrowException) as error:
        raise DataError(
            f"{path} is not a complete Parquet file ({first_line(error)}); fetch or write it again"
        ) from error
    return frame


def _read_csv(path: Path, missing: Sequence[str], columns: Sequence[int] | None = None) -> pd.DataFrame:
    with _csv_of(path, missing, usecols=columns) as read:
        return pd.DataFrame(read())


def _check_lines(path: Path, missing: Sequence[str]) -> None:
    """Refuse a line with more cells than the header, which is not seen where some columns are read alone."""
    with _csv_of(path, missing, chunksize=_CHUNK) as read, read() as chunks:
        for _ in chunks:
            pass


@contextmanager
def _csv_of(path: Path, missing: Sequence[str], **how: Any) -> Iterator[Callable[[], Any]]:
    """What reads a CSV file; whatever is wrong with it while it is read is told by its name."""
    try:
        header = pd.read_csv(path, nrows=1, header=None, sep="\x01", dtype=str)
        line = str(header.iat[0, 0])
        form = {"sep": max(_SEPARATORS, key=line.count), "na_values": list(missing) or None, "skipinitialspace": True}
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            yield partial(pd.read_csv, path, low_memory=False, index_col=False, **form, **how)
    except (OSError, ValueError, EOFError, IndexError, pd.errors.ParserWarning) as error:
        remedy = "write it with a header, as UTF-8, and the same number of cells in each line"
        raise DataError(f"{path} is not a complete CSV file ({first_line(error)}); {remedy}") from error
