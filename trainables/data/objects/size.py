"""How large an object may be that a run keeps a copy of."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from trainables.data.streaming import free_memory, why_streamed
from trainables.errors import DataError

__all__ = ["check_disk", "check_examples", "check_size", "is_streamed"]

_LARGEST = 4 * 2**30
"""Bytes of an object above which it is not copied."""


def check_size(size: int, file: str) -> None:
    """Refuse an object that is too large to be copied.

    Args:
        size: its bytes.
        file: the kind of file that may be written instead, for the message.

    Raises:
        DataError: it is larger than 4 GiB.
    """
    if size > _LARGEST:
        raise DataError(
            f"data: the object has {size / 2**30:.1f} GiB, and a run keeps a copy of at most {_LARGEST // 2**30} GiB; "
            f"write it into {file}, and give its path"
        )


def is_streamed(needed: int, stream: bool | None) -> bool:
    """Decide whether examples are written one by one, and read from their file while the network trains.

    Args:
        needed: bytes of all.
        stream: the setting; None streams what would take more than a quarter of the free memory, or more than 4 GiB.

    Returns:
        Whether they are.
    """
    if stream is None and needed > _LARGEST:
        return True
    return bool(why_streamed(needed, stream, "", "", ""))


def check_disk(needed: int, folder: Path, place: str) -> None:
    """Refuse examples of which the disk cannot hold a copy.

    Args:
        needed: bytes of all.
        folder: where they are written; it exists.
        place: names the data set in messages.

    Raises:
        DataError: fewer bytes are free.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DataError(
            f"{place} has examples that take {needed / 2**30:.1f} GiB if all are as large as the first; they are "
            f"written into a file and read from it while the network trains, and {free / 2**30:.1f} GiB are free at "
            f"{folder}; set TMPDIR to a folder of a larger disk. Or write its images one by one as files, "
            "<folder>/<class or number>/<image>.png, which are smaller, and give the path of the folder"
        )


def check_examples(first: Any, count: int, place: str) -> None:
    """Refuse a data set of which reading all examples would take too much memory; only the first one is looked at.

    Args:
        first: the input of its first example: an array, a tensor, an image, or something small.
        count: the number of its examples.
        place: names it in messages.

    Raises:
        DataError: all inputs, as large as the first, would take more than 4 GiB or than half of the free memory.
    """
    nbytes = getattr(first, "nbytes", None)
    if nbytes is None and hasattr(first, "getbands"):
        nbytes = np.asarray(first).nbytes
    needed, most = (nbytes if isinstance(nbytes, int) else 0) * count, min(_LARGEST, free_memory() // 2)
    if needed > most:
        raise DataError(
            f"{place} has {count} examples, which take {needed / 2**30:.1f} GiB if all are as large as the first; it "
            f"is read whole, and at most {most / 2**30:.1f} GiB can be here. Images and signals are read one by one "
            "without stream = false; write rows of a table into a Parquet file. Other inputs need a task of your own, "
            "whose parts read their batches (trainables.training.fetching)"
        )
