"""Arrow tables to pandas frames with pandas' nullable types, and to Parquet files that read back as such."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from nas_tune.config.names import check_local
from nas_tune.errors import RunFolderError
from trainables.drafts import draft_folder

__all__ = ["to_frame", "write_parquet", "written_aside"]

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


def to_frame(table: pa.Table) -> pd.DataFrame:
    """A frame of the same columns; nothing is turned into object or float because a value is missing."""
    frame: pd.DataFrame = table.to_pandas(types_mapper=_TYPES.get)
    return frame


def write_parquet(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame so that `pandas.read_parquet` gives an equal one; `RunFolderError` where it cannot be.

    pandas 2.2 keeps text that it reads in Python strings, unless its option `mode.string_storage` is "pyarrow".
    """
    with written_aside(path) as draft:
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), draft, compression="zstd")


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A file to write instead of `path`, which takes its name when it is whole.

    Raises:
        ConfigError: the path is a URL.
        RunFolderError: the folder cannot be made or written; nothing is left behind.
    """
    check_local(path, "the file to write")
    try:
        with draft_folder(path.parent, path.name) as draft:
            yield draft / path.name  # with its suffix, which says the format to who writes it
            os.replace(draft / path.name, path)
    except OSError as error:
        raise RunFolderError(f"cannot write {path}: {error}; name a place that can be written") from error
