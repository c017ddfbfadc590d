"""Folders and files that are filled beside their place, and what killed processes left of them.

    with draft_folder(Path("out"), "export") as draft:      # out/.export.4711.myhost
        ...

A draft says in its name which process fills it. The next draft of the same name removes those that no living process
owns. SIGTERM ends the process in order while a draft is open, so that the draft goes with it.
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

__all__ = ["draft_folder", "draft_name", "ends_in_order", "remove_abandoned"]

_SLACK = 10.0
"""Seconds by which the clock of a file system may differ from the one that processes are started by."""
_FOREIGN = 86_400.0
"""Seconds without a change after which a draft of another machine, whose processes cannot be seen, is abandoned."""


@contextmanager
def draft_folder(parent: Path, name: str) -> Iterator[Path]:
    """A new empty folder in `parent`, which is there or made, and goes at the end unless it was renamed.

    Raises:
        OSError: the folder cannot be made.
    """
    remove_abandoned(parent, name)
    with ends_in_order():
        draft = _made(parent, name)
        try:
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def draft_name(name: str) -> str:
    """How this process calls its draft of what will be called `name`."""
    return f".{name}.{os.getpid()}.{_host()}"


def remove_abandoned(parent: Path, name: str) -> None:
    """Remove the drafts called `name` in `parent` whose process has ended; what cannot be removed stays.

    Earlier versions wrote `.NAME-PID` and `.NAME.PID`, and SQLite keeps a journal of `.NAME.PID` beside it.
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
    """Let SIGTERM, where it would end the process at once, raise SystemExit(143); a second one ends it at once.

    Outside the main thread, and where somebody handles SIGTERM already, nothing is changed.
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
    """Whether the process still runs that fills a draft. Earlier versions named no host: theirs are of this one."""
    try:
        changed = draft.stat().st_mtime
    except OSError:
        return True  # it takes its place just now
    if host and not f"{host}.".startswith(f"{_host()}."):
        return time.time() - changed < _FOREIGN
    try:
        # A process that began after the last change has the number of another one, as often in containers.
        return bool(psutil.Process(pid).create_time() <= changed + _SLACK)
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


def _host() -> str:
    return socket.gethostname() or "localhost"
