"""Drafts: folders and files that are written under another name and renamed when they are complete.

    with draft_folder(Path("out"), "export") as draft:      # out/.export.4711.myhost
        ...

A draft is beside its final place, and its name contains the id of the process that writes it. Opening a draft removes
earlier drafts of the same name whose process has ended. While a draft is open, SIGTERM raises `SystemExit`, so that the
draft is removed before the process ends.
"""

from __future__ import annotations

import glob
import itertools
import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import psutil

from search_spaces.names import remote_problem
from trainables.errors import TrainableError

__all__ = ["draft_file", "draft_folder", "draft_name", "ends_in_order", "remove_abandoned"]

_SLACK = 10.0
"""Seconds by which the clock of a file system may differ from the clock that dates the start of a process."""
_FOREIGN = 86_400.0
"""Seconds without a change after which a draft of another machine, whose processes are invisible here, is abandoned."""


@contextmanager
def draft_folder(parent: Path, name: str) -> Iterator[Path]:
    """Make a new empty folder, and remove it at the end unless it was renamed.

    Args:
        parent: the folder to make it in; made where it does not exist.
        name: the name that the draft will have in the end.

    Yields:
        The path of the new folder.

    Raises:
        OSError: the folder cannot be made.
        TrainableError: `parent` is a URL.
    """
    remove_abandoned(parent, name)
    with ends_in_order():
        draft = _made(parent, name)
        try:
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def draft_file(path: Path) -> Iterator[Path]:
    """Give a file to write instead of `path`; it takes that name when the block ends without an error.

    Until then `path` stays as it is. The draft has the name of `path` in a draft folder beside it.

    Args:
        path: the file; its folder is made if it is not there.

    Yields:
        The path of the draft, which does not exist yet.

    Raises:
        OSError: the folder cannot be made, or the file cannot be renamed.
    """
    with draft_folder(path.parent, path.name) as draft:
        yield draft / path.name
        os.replace(draft / path.name, path)


def draft_name(name: str) -> str:
    """Name this process's draft of a file or folder.

    Args:
        name: the final name.

    Returns:
        A hidden name with the number of the process and the host, such as `.export.4711.myhost`.
    """
    return f".{name}.{os.getpid()}.{_host()}"


def remove_abandoned(parent: Path, name: str) -> None:
    """Remove the drafts of ended processes; a draft that cannot be removed stays.

    Earlier versions wrote `.NAME-PID` and `.NAME.PID`, and SQLite keeps a journal of `.NAME.PID` beside it.

    Args:
        parent: the folder of the drafts.
        name: the final name of the drafts.
    """
    with suppress(OSError):
        for draft in parent.glob(f".{glob.escape(name)}[-.]*"):
            owner, *host = draft.name[len(name) + 2 :].removesuffix("-journal").split(".")
            if owner.isdecimal() and not _is_owned(draft, int(owner), ".".join(host)):
                _remove(draft)


def _remove(draft: Path) -> None:
    if draft.is_dir() and not draft.is_symlink():
        shutil.rmtree(draft, ignore_errors=True)
    else:
        with suppress(OSError):
            draft.unlink()


@contextmanager
def ends_in_order() -> Iterator[None]:
    """Let SIGTERM raise SystemExit(143) where it would end the process at once; a second SIGTERM ends it at once.

    Outside the main thread, and where the program handles SIGTERM already, nothing changes.

    Yields:
        Nothing.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _end(signum: int, frame: FrameType | None) -> None:
    signal.signal(signum, signal.SIG_DFL)
    raise SystemExit(128 + signum)


def _made(parent: Path, name: str) -> Path:
    if problem := remote_problem(parent):
        raise TrainableError(f"the folder to write: {problem}")
    parent.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        # Threads of one process may fill one folder at once.
        draft = parent / f"{draft_name(name)}{f'.{number}' if number > 1 else ''}"
        with suppress(FileExistsError):
            draft.mkdir()
            break
    return draft


def _is_owned(draft: Path, pid: int, host: str) -> bool:
    """Check whether the process that writes a draft still runs. A draft without a host is of this machine."""
    try:
        changed = draft.stat().st_mtime
    except OSError:
        return True  # its process is moving it to its final place
    if host and not f"{host}.".startswith(f"{_host()}."):
        return time.time() - changed < _FOREIGN
    try:
        # A process that started after the last change has only inherited the number, which is common in containers.
        return bool(psutil.Process(pid).create_time() <= changed + _SLACK)
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


def _host() -> str:
    return socket.gethostname() or "localhost"
