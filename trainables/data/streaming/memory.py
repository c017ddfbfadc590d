"""Whether decoded images, or arrays of a file, fit into memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import psutil

from trainables.data.decode import Encoded, size_of
from trainables.data.streaming.framing import Resize

__all__ = ["by_threads", "decoded_bytes", "free_memory", "why_streamed"]

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


def decoded_bytes(encoded: Sequence[Encoded], resize: Resize) -> int:
    """Estimate the memory of decoded images by the first one; reads its header alone.

    Args:
        encoded: the images, at least one.
        resize: the size to which they are brought.

    Returns:
        Bytes.

    Raises:
        DataError: the first image is damaged.
    """
    height, width, channels, size = size_of(*encoded[0])
    if resize is not None:
        height, width = resize if isinstance(resize, tuple) else (resize, resize)
    return len(encoded) * height * width * channels * size


def why_streamed(needed: int, stream: bool | None, how: str, what: str, otherwise: str) -> str:
    """Decide whether data are read from their files while the network trains.

    Args:
        needed: bytes of all in memory.
        stream: the setting; None streams what would take more than a quarter of the free memory.
        how: what happens where they are streamed, for the note.
        what: would take the memory, in the plural.
        otherwise: how a person turns it off, and what that does.

    Returns:
        A note for a person; empty where all are in memory before.
    """
    if stream is not None:
        return f"streamed: {how}" if stream else ""
    free = free_memory()
    if needed <= _SHARE * free:
        return ""
    return (
        f"streamed, since {what} would take {_said(needed)} and {_said(free)} of memory are free: {how} ({otherwise})"
    )


def by_threads(loaders: int, verb: str) -> str:
    """Say that threads do something with the data while the network trains.

    Args:
        loaders: the number of threads.
        verb: what they do, such as "decode".

    Returns:
        A part of a sentence, for `why_streamed`.
    """
    return f"{loaders} thread{f's {verb}' if loaders > 1 else f' {verb}s'} them while the network trains"


def _said(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.1f} MiB"
