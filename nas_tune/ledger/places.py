"""The place of a run's ledger, whether its file is still there, and the error for a damaged one."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

from nas_tune.errors import LedgerDamagedError

__all__ = ["backup_path", "damaged", "identity", "ledger_path", "moved_to", "restore_hint"]


def ledger_path(folder: Path) -> Path:
    """Return the path of a run's ledger.

    Args:
        folder: the run folder.

    Returns:
        The path of the file.
    """
    return folder / "ledger.sqlite"


def backup_path(folder: Path) -> Path:
    """Return the path of the latest copy of a run's ledger, unless another storage is configured.

    Args:
        folder: the run folder.

    Returns:
        The path of the file.
    """
    return folder / "backup" / "ledger.sqlite"


def identity(path: Path) -> tuple[int, int] | None:
    """Identify a file, also after it is moved.

    Args:
        path: the file.

    Returns:
        Its device and inode; None where there is none.
    """
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def moved_to(file: tuple[int, int] | None) -> Path | None:
    """Find the present path of a ledger that this process has open.

    Args:
        file: its device and inode.

    Returns:
        The path; None on systems that cannot tell (Linux can).
    """
    try:
        opened = list(Path("/proc/self/fd").iterdir())
    except OSError:
        return None
    for link in opened:
        with suppress(OSError):
            place = Path(os.readlink(link))
            if identity(place) == file and place.name == "ledger.sqlite":
                return place
    return None


def damaged(folder: Path, reason: str) -> LedgerDamagedError:
    """Make the error for a damaged ledger.

    Args:
        folder: the run folder.
        reason: the damage, in words.

    Returns:
        The error; its message names the backup, if there is one.
    """
    path = ledger_path(folder)
    return LedgerDamagedError(f"{path} is damaged ({reason}); it was not changed{restore_hint(folder)}")


def restore_hint(folder: Path) -> str:
    """Say how to restore a ledger from its backup.

    Args:
        folder: the run folder.

    Returns:
        The end of an error message; empty without a backup.
    """
    backup = backup_path(folder)
    if not backup.is_file():
        return ""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(backup.stat().st_mtime))
    return f"; a copy of {when} is in {backup}: `nas-tune resume {folder} --from-backup` goes on from it"
