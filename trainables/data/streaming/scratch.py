"""Arrays in files of this process, which go with the arrays."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from trainables.errors import DataError, first_line
from trainables.kept_data import DATA_FOLDER, new_file

__all__ = ["Scratch", "joined_on_disk", "scratch_file", "unwritten"]

Array = np.ndarray[Any, Any]


class Scratch:
    """A file to which arrays are appended. It has no name, so that a process that is killed leaves none behind."""

    def __init__(self) -> None:
        self._path = scratch_file()
        try:
            self._file = self._path.open("w+b")
        except OSError as error:
            raise unwritten(self._path, error) from error
        with suppress(OSError):  # where an open file cannot be removed, it goes with the process
            self._path.unlink()

    def append(self, array: Array) -> None:
        """Write an array behind the others.

        Args:
            array: of any shape.

        Raises:
            DataError: the disk is full, or cannot be written.
        """
        try:
            self._file.write(np.ascontiguousarray(array).data)
        except OSError as error:
            self._file.close()
            raise unwritten(self._path, error) from error

    def mapped(self, dtype: np.dtype[Any]) -> Array:
        """End the file.

        Args:
            dtype: of all arrays.

        Returns:
            (n,): their numbers, on the disk, not writable. The file goes with them.

        Raises:
            DataError: the disk is full, or cannot be written.
        """
        try:
            with self._file as file:
                file.flush()
                return np.memmap(file, dtype, "r") if file.tell() else np.zeros(0, dtype)
        except OSError as error:
            raise unwritten(self._path, error) from error

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()


def scratch_file() -> Path:
    """Choose where this process writes a file that only it reads.

    Returns:
        The path of a file that does not exist, in a folder that goes with the process.
    """
    return new_file(f"{DATA_FOLDER}/{os.urandom(8).hex()}.scratch")


def unwritten(path: Path, error: OSError) -> DataError:
    """Say why such a file cannot be written.

    Args:
        path: of the file.
        error: what the system says.

    Returns:
        The error to raise.
    """
    return DataError(
        f"streamed data are written to {path.parent}, which failed ({first_line(error)}); free some of that disk, or "
        "set the environment variable TMPDIR to a folder on a larger one"
    )


def joined_on_disk(pieces: Iterable[Array]) -> Array:
    """Write arrays behind each other into a file.

    Args:
        pieces: arrays of one type, each (n,); at least one.

    Returns:
        All of them, on the disk.

    Raises:
        DataError: the disk is full, or cannot be written.
    """
    scratch = Scratch()
    for piece in pieces:
        dtype = piece.dtype
        scratch.append(piece)
    return scratch.mapped(dtype)
