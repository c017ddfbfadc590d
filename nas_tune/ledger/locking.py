"""An exclusive lock on an open file: by `flock`, or on Windows by `msvcrt.locking`.

The operating system releases it when the process ends, however that ends.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["lock", "unlock"]

_FAR = 2**30
"""The byte that is locked on Windows, far behind the text: other processes cannot read a locked byte there."""


def lock(file: int) -> None:
    """Lock a file.

    Args:
        file: the descriptor of the open file.

    Raises:
        OSError: another process has locked it.
    """
    if (posix := _module("fcntl")) is not None:
        posix.flock(file, posix.LOCK_EX | posix.LOCK_NB)
    elif (windows := _module("msvcrt")) is not None:
        _at(file, windows, windows.LK_NBLCK)


def unlock(file: int) -> None:
    """Unlock a file.

    Args:
        file: the descriptor of the open file.
    """
    if (posix := _module("fcntl")) is not None:
        posix.flock(file, posix.LOCK_UN)
    elif (windows := _module("msvcrt")) is not None:
        _at(file, windows, windows.LK_UNLCK)


def _at(file: int, windows: Any, how: int) -> None:
    import os

    before = os.lseek(file, 0, os.SEEK_CUR)
    os.lseek(file, _FAR, os.SEEK_SET)
    try:
        windows.locking(file, how, 1)
    finally:
        os.lseek(file, before, os.SEEK_SET)


def _module(name: str) -> Any:
    """Import a module of one operating system; None on others."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
