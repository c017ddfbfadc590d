"""Reading of tables: Parquet and CSV files, folders of them, and data frames, in the parts that they have."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from search_spaces.names import did_you_mean
from trainables.data.parquet_columns import SPLIT_NAMES, holds_bytes, opened
from trainables.data.parts import PARTS, PartName, part_of, parts_of_files, usual_names, visible
from trainables.errors import DataError, first_line
from trainables.kept_data import is_kept, kept_file

__all__ = ["RawTable", "columns_of_array", "is_table", "places_of", "read_rows", "read_table", "table_files"]

_MOST_SPLITS = 30
"""Distinct texts above which a column does not hold the names of parts."""
_SEPARATORS = (",", ";", "\t", "|")


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
    parts: Mapping[PartName, pd.DataFrame]
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
    if files[0].suffix.lower() not in (".parquet", ".pq"):
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


def read_table(data: Any, path: Path | None, targets: Sequence[str], missing: Sequence[str] = ()) -> RawTable:
    """Read a table in its parts.

    Args:
        data: a data frame; anything else is read from `path`.
        path: a file or folder; None for a data frame.
        targets: the columns that are predicted, of which none is a column of parts.
        missing: texts that stand for a missing value.

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
    frames: dict[PartName | None, list[pd.DataFrame]] = {}
    for file in files:
        frames.setdefault(by_file[file], []).append(_checked(_read(file, missing), str(file), missing))
    name = "the given data" if is_kept(data) else str(path)
    return _parted(name, {part: _joined(some, path) for part, some in frames.items()}, targets, notes)


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
    name: str, frames: Mapping[PartName | None, pd.DataFrame], targets: Sequence[str], notes: list[str]
) -> RawTable:
    """Split by a column of parts where files are of no part."""
    if None not in frames:
        parts: dict[PartName, pd.DataFrame] = {part: frames[part] for part in PARTS if part in frames}
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
    order = list(parts["train"].columns)
    return RawTable(name, {part: frame[order].reset_index(drop=True) for part, frame in parts.items()}, notes)


def _by_column(name: str, frame: pd.DataFrame, column: str) -> dict[PartName, pd.DataFrame]:
    named: dict[Any, PartName | None] = {
        cell: part_of(str(cell)) for cell in frame[column].unique() if not pd.isna(cell)
    }
    unknown = [cell for cell, part in named.items() if part is None]
    if unknown or frame[column].isna().any():
        cell = repr(unknown[0]) if unknown else "an empty cell"
        raise DataError(f"{name}: the column {column} has {cell}, which names no part; write one of {usual_names()}")
    of_rows = frame[column].map(named)
    return {part: frame[of_rows == part].drop(columns=column) for part in PARTS if (of_rows == part).any()}


def _is_of_parts(column: pd.Series[Any]) -> bool:
    if str(column.name).lower() in SPLIT_NAMES:
        return True
    if not (pd.api.types.is_string_dtype(column) or isinstance(column.dtype, pd.CategoricalDtype)):
        return False
    values = column.unique()
    return len(values) <= _MOST_SPLITS and all(isinstance(value, str) and part_of(value) for value in values)


def _check_columns(name: str, train: pd.DataFrame, frame: pd.DataFrame, part: PartName, targets: Sequence[str]) -> None:
    lacking = [column for column in train.columns if column not in frame.columns]
    if predicted := [column for column in lacking if column in targets]:
        raise DataError(
            f"{name}: the rows for {part} have no column {predicted[0]!r}, the target, and cannot be evaluated; "
            "add it, or leave these rows out and predict them later"
        )
    foreign = [column for column in frame.columns if column not in train.columns]
    if lacking or foreign:
        said = f"lack the column {lacking[0]!r}" if lacking else f"have the column {foreign[0]!r}"
        hint = did_you_mean(foreign[0], lacking) if lacking and foreign else ""
        raise DataError(
            f"{name}: the rows for {part} {said}, unlike those for training{hint}; give all parts the same columns"
        )


def _joined(frames: Sequence[pd.DataFrame], path: Path) -> pd.DataFrame:
    """The rows of several files, whose columns must be the same."""
    first = frames[0]
    for frame in frames[1:]:
        if set(frame.columns) != set(first.columns):
            one = sorted(map(str, set(frame.columns) ^ set(first.columns)))[0]
            raise DataError(
                f"{path}: the column {one!r} is not in all files of a part; give all files the same columns"
            )
    return first if len(frames) == 1 else pd.concat(frames, ignore_index=True)


def _checked(frame: Any, name: str, missing: Sequence[str]) -> pd.DataFrame:
    """A frame with texts as names of columns, each once, and at least one row."""
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"{name} is a {type(frame).__name__}; give a pandas DataFrame, or the path of a file")
    table: pd.DataFrame = frame.rename(columns=str)
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise DataError(f"{name} has the column {twice[0]!r} twice; rename or drop one of them")
    if not len(table):
        raise DataError(f"{name} has no row; give a table with rows")
    if missing:
        texts = [column for column in table.columns if pd.api.types.is_string_dtype(table[column])]
        table = table.assign(**{column: table[column].mask(table[column].isin(missing)) for column in texts})
    return table.reset_index(drop=True)


def _read(path: Path, missing: Sequence[str]) -> pd.DataFrame:
    reader = _reader(path)
    if reader is None:
        raise DataError(f"{path} is not a table; .parquet, .csv and .tsv files (also .csv.gz) are read")
    return reader(path, missing)


def _reader(path: Path) -> Callable[[Path, Sequence[str]], pd.DataFrame] | None:
    name = path.name.lower()
    if name.endswith((".parquet", ".pq")):
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


def _read_csv(path: Path, missing: Sequence[str]) -> pd.DataFrame:
    try:
        header = pd.read_csv(path, nrows=1, header=None, sep="\x01", dtype=str)
        line = str(header.iat[0, 0])
        separator = max(_SEPARATORS, key=line.count)
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            known = list(missing) or None
            return pd.read_csv(
                path, sep=separator, na_values=known, skipinitialspace=True, low_memory=False, index_col=False
            )
    except (OSError, ValueError, EOFError, IndexError, pd.errors.ParserWarning) as error:
        remedy = "write it with a header, as UTF-8, and the same number of cells in each line"
        raise DataError(f"{path} is not a complete CSV file ({first_line(error)}); {remedy}") from error
