"""How large an object may be that a run keeps a copy of."""

from __future__ import annotations

from typing import Any

import numpy as np

from trainables.data.streaming import free_memory
from trainables.errors import DataError

__all__ = ["check_examples", "check_size"]

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
    most = min(_LARGEST, free_memory() // 2)
    if isinstance(nbytes, int) and nbytes * count > most:
        raise DataError(
            f"{place} has {count} examples, which take {nbytes * count / 2**30:.1f} GiB if all are as large as the "
            f"first; it is read whole, and at most {most / 2**30:.1f} GiB can be here. Write its images one by one as "
            "files, <folder>/<class or number>/<image>.png, and give the path of the folder: they are decoded while "
            "the network trains. Smaller images (resize in the data set itself) may fit; other inputs need a task of "
            "your own, whose parts read their batches (trainables.training.fetching)"
        )
