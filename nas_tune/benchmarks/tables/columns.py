"""Reads the columns of a table of trained architectures: a Parquet file, or a CSV file with a first line of names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nas_tune.errors import ConfigError
from search_spaces.names import did_you_mean

__all__ = ["numbers_of", "read_columns", "read_names"]

_CSV = ".csv"


def read_names(file: Path) -> list[str]:
    """Read the names of the columns.

    Args:
        file: the file, with the ending .csv, or a Parquet file.

    Returns:
        The names, in their order.

    Raises:
        ConfigError: the file cannot be read.
    """
    from pyarrow import ArrowException, csv, parquet

    try:
        if file.suffix.lower() == _CSV:
            with csv.open_csv(file) as opened:
                return list(opened.schema.names)
        return list(parquet.read_schema(file).names)
    except (OSError, ArrowException) as error:
        raise ConfigError(f"table {file} cannot be read: {error}") from error


def read_columns(file: Path, columns: Sequence[str]) -> Any:
    """Read some columns.

    Args:
        file: the file, with the ending .csv, or a Parquet file.
        columns: their names; one that is named twice is read once.

    Returns:
        A `pyarrow.Table`.

    Raises:
        ConfigError: the file cannot be read, or has no such column.
    """
    from pyarrow import ArrowException, csv, parquet

    found = read_names(file)
    for name in columns:
        if name not in found:
            close = did_you_mean(name, found) or ";"
            raise ConfigError(f"table {file} has no column {name!r}{close} it has: {', '.join(found)}")
    wanted = list(dict.fromkeys(columns))
    try:
        if file.suffix.lower() == _CSV:
            return csv.read_csv(file, convert_options=csv.ConvertOptions(include_columns=wanted))
        return parquet.read_table(file, columns=wanted)
    except (OSError, ArrowException) as error:
        raise ConfigError(f"table {file} cannot be read: {error}") from error


def numbers_of(column: Any, name: str) -> NDArray[np.float64]:
    """Convert a column to numbers.

    Args:
        column: of a `pyarrow.Table`.
        name: of the column, for the message.

    Returns:
        A number for each row; NaN where there is none.

    Raises:
        ConfigError: the column holds something else.
    """
    try:
        return np.asarray(column.to_numpy().astype(np.float64))
    except (TypeError, ValueError) as error:
        raise ConfigError(f"column {name!r} holds {column.type}, and numbers are needed: {error}") from error
