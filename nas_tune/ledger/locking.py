"""An exclusive lock on an open file, by what the system has: `flock`, or on Windows `msvcrt.locking`.

The operating system takes it away from a process that ends, however that ended.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["lock", "unlock"]

_FAR = 2**30
"""The byte that stands for the file on Windows, where what is locked cannot be read: far behind its text."""


def lock(file: int) -> None:
    """Lock the file with this descriptor; `OSError` where another process has it."""
    if (posix := _module("fcntl")) is not None:
        posix.flock(file, posix.LOCK_EX | posix.LOCK_NB)
    elif (windows := _module("msvcrt")) is not None:
        _at(file, windows, windows.LK_NBLCK)


def unlock(file: int) -> None:
    """Give the file with this descriptor free."""
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
    """A module that one system has and another has not."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
