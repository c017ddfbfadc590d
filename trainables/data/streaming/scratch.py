"""Arrays in files of this process, which go with the arrays."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import numpy as np

from trainables.kept_data import DATA_FOLDER, new_file

__all__ = ["joined_on_disk"]

Array = np.ndarray[Any, Any]


def joined_on_disk(pieces: Iterable[Array]) -> Array:
    """Write arrays behind each other into a file.

    Args:
        pieces: arrays of one type, each (n,); at least one.

    Returns:
        All of them, on the disk.
    """
    file = new_file(f"{DATA_FOLDER}/{os.urandom(8).hex()}.scratch")
    try:
        with file.open("wb") as opened:
            for piece in pieces:
                dtype = piece.dtype
                opened.write(np.ascontiguousarray(piece).data)
        if not file.stat().st_size:
            return np.zeros(0, dtype)
        return np.memmap(file, dtype, "r")
    finally:
        with suppress(OSError):  # an open file keeps its content; where it cannot be removed, it goes with the process
            file.unlink()
