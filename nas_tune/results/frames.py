"""Arrow tables to pandas frames with pandas' nullable types, and to Parquet files that read back as such."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from nas_tune.config.names import check_local
from nas_tune.errors import RunFolderError
from trainables.drafts import draft_file

__all__ = ["pandas_frame", "write_parquet", "written_aside"]

_TEXT = pd.StringDtype("pyarrow")
_TYPES = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.float32(): pd.Float32Dtype(),
    pa.float64(): pd.Float64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
    pa.string(): _TEXT,
    pa.large_string(): _TEXT,
}


def pandas_frame(table: pa.Table) -> pd.DataFrame:
    """Convert an Arrow table to a frame.

    Args:
        table: of any columns.

    Returns:
        The same columns with pandas' nullable types: a missing value turns no column into object or float.
    """
    frame: pd.DataFrame = table.to_pandas(types_mapper=_TYPES.get)
    return frame


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame to a Parquet file, from which `pandas.read_parquet` reads an equal one.

    pandas 2.2 reads text into Python strings, unless its option `mode.string_storage` is "pyarrow".

    Args:
        frame: without its index.
        path: of the file.

    Raises:
        RunFolderError: the file cannot be written.
    """
    with written_aside(path) as draft:
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), draft, compression="zstd")


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Write a file under another name, and rename it to `path` when the block ends without an error.

    Args:
        path: of the file.

    Yields:
        The file to write, with the suffix of `path`.

    Raises:
        ConfigError: the path is a URL.
        RunFolderError: the folder cannot be made or written; nothing is left behind.
    """
    check_local(path, "the file to write")
    try:
        with draft_file(path) as draft:
            yield draft
    except OSError as error:
        raise RunFolderError(f"cannot write {path}: {error}; name a place that can be written") from error
