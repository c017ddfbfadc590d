"""The lease on a run folder: at most one driver writes a run.

The lease is an advisory lock of the operating system, so it ends with the process that took it, however that process
ends. The text of the file only names the holder for the message to a second driver. On Linux the lock is `flock`, which
the NFS client passes on to the server.
"""

from __future__ import annotations

import json
import os
import socket
import time
from io import TextIOWrapper
from pathlib import Path

from nas_tune.errors import RunFolderError, RunLockedError
from nas_tune.ledger.locking import lock, unlock

__all__ = ["Lease"]


class Lease:
    """The lock of one run folder, held from construction to `release`.

    Args:
        folder: the run folder.

    Raises:
        RunLockedError: another driver holds the lock; the message names it.
        RunFolderError: the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "driver.lock"
        self._file = self._take()
        try:
            self._sign()
        except OSError as error:
            self._file.close()
            raise self._unwritable(error) from error

    def _take(self) -> TextIOWrapper:
        try:
            file = self.path.open("a+", encoding="utf-8")
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            lock(file.fileno())
        except OSError as error:
            holder = self._holder(file)
            file.close()
            raise RunLockedError(
                f"{self.path.parent} is being written by another driver ({holder}): wait for it, stop it, "
                "or read the run meanwhile with `nas-tune results`"
            ) from error
        return file

    def _unwritable(self, error: OSError) -> RunFolderError:
        return RunFolderError(
            f"cannot write in the run folder {self.path.parent}: {error}; make room, or take another folder"
        )

    @staticmethod
    def _holder(file: TextIOWrapper) -> str:
        file.seek(0)
        try:
            who = json.loads(file.read())
            return f"process {who['pid']} on {who['host']}, since {who['since']}"
        except (ValueError, KeyError, TypeError):
            return "its process is not recorded yet"

    def _sign(self) -> None:
        since = time.strftime("%Y-%m-%d %H:%M:%S")
        self._file.seek(0)
        self._file.truncate()
        json.dump({"host": socket.gethostname(), "pid": os.getpid(), "since": since}, self._file)
        self._file.flush()

    def release(self) -> None:
        """Release the lock; a second call does nothing."""
        if not self._file.closed:
            unlock(self._file.fileno())
            self._file.close()
