"""Whether decoded images, or arrays of a file, fit into memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import psutil

from trainables.data.decode import Encoded, size_of

__all__ = ["decoded_bytes", "free_memory", "why_streamed"]

_SHARE = 0.25
"""The share of the free memory that data may take: while images are read, memory holds them three times."""
_GROUP = Path("/sys/fs/cgroup")


def free_memory() -> int:
    """Measure the memory that this process may still take, within the limits of its container.

    Returns:
        Bytes.
    """
    free = int(psutil.virtual_memory().available)
    try:
        most, used = (int((_GROUP / name).read_text()) for name in ("memory.max", "memory.current"))
        cached = dict(line.split() for line in (_GROUP / "memory.stat").read_text().splitlines())["inactive_file"]
    except (OSError, ValueError, KeyError):
        return free  # no such limit
    return max(0, min(free, most - used + int(cached)))


def decoded_bytes(encoded: Sequence[Encoded], resize: int | None) -> int:
    """Estimate the memory of decoded images by the first one; reads its header alone.

    Args:
        encoded: the images, at least one.
        resize: the side to which they are scaled; None keeps their size.

    Returns:
        Bytes.

    Raises:
        DataError: the first image is damaged.
    """
    height, width, channels, size = size_of(*encoded[0])
    pixels = height * width if resize is None else resize * resize
    return len(encoded) * pixels * channels * size


def why_streamed(needed: int, stream: bool | None, loaders: int, *, encoded: bool = True) -> str:
    """Decide whether images are decoded, or arrays are read, while the network trains.

    Args:
        needed: bytes of all in memory.
        stream: the setting; None streams what would take more than a quarter of the free memory.
        loaders: the number of threads.
        encoded: whether they are images to decode; else they are plain arrays.

    Returns:
        A note for a person; empty where all are in memory before.
    """
    verb = "decode" if encoded else "read"
    how = f"{loaders} thread{f's {verb}' if loaders > 1 else f' {verb}s'} them while the network trains"
    if stream is not None:
        return f"streamed: {how}" if stream else ""
    free = free_memory()
    if needed <= _SHARE * free:
        return ""
    return (
        f"streamed, since {'decoded ' if encoded else ''}they would take {_said(needed)} and {_said(free)} of memory "
        f"are free: {how} (stream = false {verb}s them before)"
    )


def _said(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.1f} MiB"
