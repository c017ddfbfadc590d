"""Signals that do not fit into memory: those that are read go to the disk, and what is read later is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from trainables.data.chosen import Rows
from trainables.data.numbers import check_float32
from trainables.data.streaming import MappedArray, MappedRows
from trainables.data.streaming.scratch import joined_on_disk

__all__ = ["Spill", "stacked_on_disk"]

Array = np.ndarray[Any, Any]
_LARGEST = 2**26
"""Bytes of signals that are in memory before they go to the disk."""


class Spill:
    """Lists of signals, which go to the disk as soon as they are large.

    Args:
        on_disk: whether they do so; else they stay in memory.
    """

    def __init__(self, *, on_disk: bool) -> None:
        self._on_disk = on_disk
        self._pending: list[tuple[list[Array], int]] = []
        self._size = 0

    def add(self, waves: list[Array], wave: Array) -> None:
        """Append a signal to a list.

        Args:
            waves: the list.
            wave: (channels, length).
        """
        waves.append(wave)
        if not self._on_disk:
            return
        self._pending.append((waves, len(waves) - 1))
        self._size += wave.nbytes
        if self._size > _LARGEST:
            self.flush()

    def flush(self) -> None:
        """Put views of the disk in the place of all signals that are in memory."""
        if not self._pending:
            return
        pending = [waves[place] for waves, place in self._pending]
        whole = joined_on_disk(np.frombuffer(one.tobytes(), np.uint8) for one in pending)
        start = 0
        for (waves, place), one in zip(self._pending, pending, strict=True):
            waves[place] = whole[start : start + one.nbytes].view(one.dtype).reshape(one.shape)
            start += one.nbytes
        self._pending, self._size = [], 0


def stacked_on_disk(
    waves: Sequence[Array], shape: tuple[int, int], place: str, *, whole: bool, loaders: int
) -> Rows | MappedRows:
    """Bring signals to one length, on the disk.

    Args:
        waves: each (channels, steps).
        shape: channels and length.
        place: names the signals in messages.
        whole: whether all signals of the data are int16.
        loaders: the number of threads that read them.

    Returns:
        (n, channels, length), int16 or float32.

    Raises:
        DataError: float32 cannot tell the values apart.
    """
    kind = np.dtype(np.int16 if whole else np.float32)
    if not waves:
        return torch.zeros((0, *shape), dtype=torch.int16 if whole else torch.float32)

    def padded() -> Iterator[Array]:
        for one in waves:
            row = np.zeros(shape, dtype=np.int16 if whole else np.float64)
            kept = one[:, : shape[1]]
            row[:, : kept.shape[1]] = kept
            yield row

    if not whole:
        check_float32(np.dtype(np.float64), padded, place)
    with np.errstate(over="ignore"):
        flat = joined_on_disk(row.astype(kind).reshape(-1) for row in padded())
    return MappedRows.of(MappedArray.of_rows(flat.reshape(len(waves), *shape)), loaders=loaders)
