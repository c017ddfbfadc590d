"""Files that are read whole, and would fill the memory: refused before they are read."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

from trainables.data.streaming import free_memory
from trainables.errors import DataError

__all__ = ["check_arrays", "check_encoded"]


def check_arrays(path: Path) -> None:
    """Refuse an `.npz` file whose arrays are larger than the free memory.

    Args:
        path: the file; one that is damaged passes, and whatever reads it says so.

    Raises:
        DataError: it is too large; the message names the forms of data that are streamed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(one.file_size for one in archive.infolist())
    except (OSError, zipfile.BadZipFile):
        return
    _check(f"the arrays of {path}", size)


def check_encoded(path: Path, files: Sequence[Path]) -> None:
    """Refuse Parquet files that are larger than the free memory: encoded images are kept there.

    Args:
        path: the file or folder that was given.
        files: its Parquet files.

    Raises:
        DataError: they are too large.
    """
    _check(f"the Parquet files of {path}", sum(file.stat().st_size for file in files))


def _check(what: str, size: int) -> None:
    free = free_memory()
    if size > free:
        raise DataError(
            f"{what} have {size / 2**30:.1f} GiB and are read whole, and {free / 2**30:.1f} GiB of memory are free; "
            "write the images as files of a folder with one sub-folder per class: those are decoded while the network "
            "trains"
        )
