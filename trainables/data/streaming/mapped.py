"""Arrays of `.npz` and `.npy` files that stay on the disk: their bytes are mapped, and rows of them are copied.

    x = MappedArray.of_npz(path, "x")         # None where the array is in the order of Fortran
    x.shape, x.dtype                          # as of the array
    x.rows([5, 2])                            # a plain array: these rows, read now

An array that `numpy.savez` writes lies in the file as it is in memory. The operating system reads the pages that are
touched, and gives them up again where memory is short. A compressed array is unpacked into a file of this process.
"""

from __future__ import annotations

import struct
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from torch import Tensor

from trainables.data.streaming.scratch import Scratch
from trainables.errors import DataError

__all__ = ["MappedArray"]

Array = np.ndarray[Any, Any]
_CHUNK = 2**25
"""Bytes of a chunk, where it has several rows."""
_LOCAL = struct.Struct("<26xHH")
"""The header before each member of an archive: what is of interest are the lengths of its name and of the extras."""


@dataclass(frozen=True, slots=True, eq=False)
class MappedArray:
    """An array on the disk.

    Attributes:
        shape: of the array, (n, ...).
        dtype: of the array.
        lines: (n, k), uint8, the bytes of each row, on the disk.
        file: where they are; None for a file of this process.
        stamp: the number of that file, its size, and when it was last changed, as it was mapped.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    lines: Tensor
    file: Path | None = None
    stamp: tuple[int, int, int] | None = None

    @classmethod
    def of_npz(cls, path: Path, name: str) -> MappedArray | None:
        """Map an array of an `.npz` file.

        Args:
            path: the file.
            name: of the array.

        Returns:
            The array; None where its rows do not lie one behind the other.

        Raises:
            DataError: it is compressed, and the disk is too full to unpack it.
            OSError: the file cannot be read.
            zipfile.BadZipFile: it is damaged; with `ValueError`, `KeyError` and the like one of the errors of damage.
        """
        with zipfile.ZipFile(path) as archive:
            found = archive.getinfo(f"{name}.npy")
            if found.compress_type != zipfile.ZIP_STORED:
                with archive.open(found) as file:
                    return cls._unpacked(path, file)
        with path.open("rb") as file:
            file.seek(found.header_offset)
            of_name, of_extras = _LOCAL.unpack(file.read(_LOCAL.size))
            file.seek(of_name + of_extras, 1)
            return cls._of_header(path, file, file.tell() + found.file_size)

    @classmethod
    def of_npy(cls, path: Path) -> MappedArray | None:
        """Map the array of an `.npy` file.

        Args:
            path: the file.

        Returns:
            The array; None where its rows do not lie one behind the other.

        Raises:
            OSError: the file cannot be read.
            ValueError: it is damaged, or holds objects.
        """
        with path.open("rb") as file:
            return cls._of_header(path, file, path.stat().st_size)

    @classmethod
    def _unpacked(cls, path: Path, file: IO[bytes]) -> MappedArray | None:
        header = _header(path, file)
        if header is None:
            return None
        scratch = Scratch()
        while piece := file.read(_CHUNK):
            scratch.append(np.frombuffer(piece, np.uint8))
        shape, dtype = header
        flat = scratch.mapped(np.dtype(np.uint8))
        width = dtype.itemsize * int(np.prod(shape[1:], dtype=np.int64))
        if len(flat) != shape[0] * width:
            raise ValueError(f"{path} has {len(flat)} bytes of an array of {shape[0] * width}")
        return cls(shape, dtype, _unwritten(flat.reshape(shape[0], width)))

    @classmethod
    def _of_header(cls, path: Path, file: IO[bytes], end: int) -> MappedArray | None:
        header = _header(path, file)
        if header is None:
            return None
        shape, dtype = header
        width = dtype.itemsize * int(np.prod(shape[1:], dtype=np.int64))
        start, size = file.tell(), shape[0] * width
        if size != end - start:
            raise ValueError(f"{path} has {end - start} bytes of an array of {size}")
        if not size:
            return cls(shape, dtype, torch.empty((shape[0], width), dtype=torch.uint8))
        lines = _unwritten(np.memmap(path, np.uint8, "r", start, (shape[0], width)))
        return cls(shape, dtype, lines, path, _stamp(path))

    @classmethod
    def of_rows(cls, array: Array) -> MappedArray:
        """Take an array that is mapped already.

        Args:
            array: (n, ...), whose rows lie one behind the other.

        Returns:
            The array.
        """
        lines = array.reshape(len(array), -1).view(np.uint8)
        return cls(array.shape, array.dtype, _unwritten(lines))

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def nbytes(self) -> int:
        """The bytes of the array."""
        return self.lines.numel()

    def view(self) -> Array:
        """Look at the array where it lies.

        Returns:
            (n, ...), of which nothing is in memory before it is used; not writable.
        """
        array: Array = self.lines.numpy().view(self.dtype).reshape(self.shape)
        return array

    def rows(self, numbers: Sequence[int] | Tensor) -> Array:
        """Copy rows into memory.

        Args:
            numbers: (k,), in any order.

        Returns:
            (k, ...), of the type of the array.

        Raises:
            DataError: the file was changed since it was mapped.
        """
        if self.file is not None and _was_changed(self.stamp, _stamp(self.file)):
            # Bytes beyond the end of a file that was cut end the process without a word.
            raise DataError(
                f"{self.file} was changed while its rows were read; leave a file as it is while networks train on it, "
                "and write other data under another name"
            )
        copied = self.lines.index_select(0, torch.as_tensor(numbers, dtype=torch.int64))
        return copied.numpy().view(self.dtype).reshape(len(copied), *self.shape[1:])

    def chunks(self) -> Iterator[Array]:
        """Go through the array in order.

        Yields:
            Rows of it, (k, ...).
        """
        size = max(1, _CHUNK // max(1, self.lines.shape[1]))
        for start in range(0, len(self), size):
            yield self.rows(range(start, min(start + size, len(self))))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _was_changed(before: tuple[int, int, int] | None, now: tuple[int, int, int] | None) -> bool:
    """Whether the same file has other content; one that was removed or replaced stays mapped as it was."""
    return before is not None and now is not None and before[0] == now[0] and before != now


def _header(path: Path, file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]] | None:
    """The shape and the type of an array; None where its rows do not lie one behind the other."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, by_columns, dtype = read(file)
    if dtype.hasobject:
        raise ValueError(f"{path} holds Python objects")
    return None if not shape or (by_columns and len(shape) > 1) else (shape, dtype)


def _unwritten(array: Array) -> Tensor:
    """A tensor of the same memory, into which nothing writes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(array)
