"""The ledger: one SQLite file per run, written by its driver alone, one transaction an append.

Promises: what `append` returned from survives a SIGKILL of the process; a torn file is recognised, never
guessed at and never changed; a newer format is refused. Does not promise: that the last transactions survive a
power cut (the file does, unbroken: WAL with synchronous=NORMAL).
"""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from nas_tune.errors import LedgerDamagedError, NewerFormatError, RunFolderError
from nas_tune.ledger.events import Event, decode, encode
from nas_tune.ledger.filesystem import is_network_folder
from search_spaces.errors import NasTuneError

__all__ = ["FORMAT_VERSION", "Ledger", "backup_path", "ledger_path"]

FORMAT_VERSION = 1
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, trial INTEGER, time REAL NOT NULL, body TEXT NOT NULL
) STRICT;
"""
_INSERT = "INSERT INTO events (kind, trial, time, body) VALUES (?, ?, ?, ?)"


def ledger_path(folder: Path) -> Path:
    """Where a run keeps its ledger."""
    return folder / "ledger.sqlite"


def backup_path(folder: Path) -> Path:
    """Where a run keeps the latest copy of its ledger, if no other storage was named."""
    return folder / "backup" / "ledger.sqlite"


class Ledger:
    """An open ledger. `create` makes a new one, `open` an existing one, for its single writer or for readers."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.clock: Callable[[], float] = time.time
        self._connection = connection

    @classmethod
    def create(
        cls, folder: Path, meta: Mapping[str, Any], events: Iterable[Event] = (), when: float | None = None
    ) -> Ledger:
        """Start the ledger of a new run in `folder`; `meta` is JSON-able and never changes afterwards.

        It comes into being with its first `events`, which happen at the time `when` (by default now).

        Raises:
            RunFolderError: there is a ledger already, or the folder cannot be written.
        """
        path = ledger_path(folder)
        if path.exists():
            raise RunFolderError(f"{folder} holds a run already: resume it, or take another folder (--new)")
        # Written aside and renamed: a kill in between leaves no half-made ledger behind.
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        try:
            now = time.time() if when is None else when
            with closing(sqlite3.connect(draft)) as connection, connection:
                connection.executescript(_SCHEMA)
                rows = {"format_version": FORMAT_VERSION, **meta}
                connection.executemany(
                    "INSERT INTO meta VALUES (?, ?)",
                    [(key, json.dumps(value)) for key, value in rows.items()],
                )
                connection.executemany(_INSERT, [_row(event, now) for event in events])
            os.replace(draft, path)
        except (sqlite3.Error, OSError) as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise RunFolderError(f"cannot write the ledger in {folder}: {error}") from error
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path, *, readonly: bool = False) -> Ledger:
        """Open the ledger of the run in `folder`, after checking that it is whole and of a known format.

        Raises:
            LedgerDamagedError: it is missing, torn, or not a ledger.
            NewerFormatError: a newer version wrote it.
        """
        path = ledger_path(folder)
        if not path.is_file():
            raise LedgerDamagedError(f"{folder} holds no run: there is no {path.name}{_restore_hint(folder)}")
        # Looked at without the right to change it: to open a torn file for writing is to change it. Only what a
        # killed driver left in a rollback journal (not in a WAL) must be written back before it can be read.
        looking = readonly or not path.with_name(f"{path.name}-journal").exists()
        try:
            connection = _connect_whole(path, looking)
            if looking != readonly:
                connection.close()
                connection = _connect(path, readonly)
        except sqlite3.DatabaseError as error:
            raise _damaged(folder, str(error)) from error
        return cls(path, connection)

    def append(self, *events: Event) -> float:
        """Write the events in one transaction and return their time by `clock`: seconds since 1970, or virtual.

        Raises:
            RunFolderError: the disk is full or the file cannot be written; nothing of the events is stored.
        """
        now = self.clock()
        rows = [_row(event, now) for event in events]
        try:
            with self._connection:
                self._connection.executemany(_INSERT, rows)
        except sqlite3.DatabaseError as error:
            free = _free_mebibytes(self.path.parent)
            raise RunFolderError(
                f"cannot write to {self.path}: {error} ({free} MiB free); everything before is safe: "
                "make room, then resume the run"
            ) from error
        return now

    def events(self, after: int = 0, kind: str | None = None) -> Iterator[tuple[Event, float]]:
        """All events with their times, in order; `after` skips that many, `kind` leaves out all others."""
        query = "SELECT kind, body, time FROM events WHERE seq > ? AND kind = ifnull(?, kind) ORDER BY seq"
        try:
            for found, body, when in self._connection.execute(query, (after, kind)):
                yield decode(found, body), when
        except (sqlite3.DatabaseError, NasTuneError) as error:
            raise _damaged(self.path.parent, str(error)) from error

    def __len__(self) -> int:
        """The number of events."""
        (count,) = self._connection.execute("SELECT COALESCE(MAX(seq), 0) FROM events").fetchone()
        return int(count)

    @property
    def meta(self) -> dict[str, Any]:
        """What was written at the start of the run: configuration, space, versions."""
        try:
            rows = self._connection.execute("SELECT key, value FROM meta").fetchall()
            return {key: json.loads(value) for key, value in rows}
        except (sqlite3.DatabaseError, ValueError) as error:
            raise _damaged(self.path.parent, f"what it says of the run cannot be read: {error}") from error

    def backup(self, target: Path) -> None:
        """Copy the ledger, as of now, to `target`: written aside, then renamed.

        Raises:
            RunFolderError: the target cannot be written.
        """
        draft = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.unlink(missing_ok=True)
            with closing(sqlite3.connect(draft)) as copy:
                self._connection.backup(copy)
                # One plain file, also to those who may only read where it lies.
                copy.execute("PRAGMA journal_mode = DELETE")
            os.replace(draft, target)
        except (sqlite3.Error, OSError) as error:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise RunFolderError(f"cannot back the ledger up to {target}: {error}") from error

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._connection.close()


def _row(event: Event, when: float) -> tuple[str, int | None, float, str]:
    return event.kind, getattr(event, "trial", None), when, encode(event)


def _connect_whole(path: Path, readonly: bool) -> sqlite3.Connection:
    try:
        return _checked(_connect(path, readonly), path)
    except sqlite3.OperationalError as error:
        if not readonly or error.sqlite_errorname != "SQLITE_READONLY_DIRECTORY":
            raise
        # A reader who may not write in the folder has no shared memory for a WAL; without one nothing needs it.
        return _checked(_connect(path, readonly, "&immutable=1"), path)


def _checked(connection: sqlite3.Connection, path: Path) -> sqlite3.Connection:
    try:
        _check(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    folder = path.parent
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise _damaged(folder, " ".join(verdict.split()))
    if _is_short(connection, path):
        raise _damaged(folder, "its end is missing")
    connection.execute("SELECT seq FROM events LIMIT 0")
    row = connection.execute("SELECT value FROM meta WHERE key = 'format_version'").fetchone()
    if row is None or not row[0].isdigit():
        raise _damaged(folder, "it has no format version")
    if int(row[0]) > FORMAT_VERSION:
        raise NewerFormatError(
            f"{folder} was written in ledger format {row[0]}, this nas_tune reads up to {FORMAT_VERSION}: "
            "upgrade nas_tune to open it; nothing was changed"
        )


def _connect(path: Path, readonly: bool, options: str = "") -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={'ro' if readonly else 'rw'}{options}"
    if readonly and not os.access(path.parent, os.W_OK) and not path.with_name(f"{path.name}-wal").exists():
        # Even a reader of a WAL data base makes a file beside it, unless it knows that nobody writes.
        uri += "&immutable=1"
    # The driver's signal handling may close the ledger from another frame, never from two threads at once.
    connection = sqlite3.connect(uri, uri=True, timeout=10.0, check_same_thread=False)
    if not readonly:
        # WAL needs shared memory, which network file systems do not have.
        journal = "DELETE" if is_network_folder(path.parent) else "WAL"
        connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.execute("PRAGMA synchronous = NORMAL")
    return connection


def _is_short(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the last page is cut, which SQLite reads as zeros; not told while a WAL holds newer pages."""
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        return False
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return path.stat().st_size < int(pages) * int(size)


def _damaged(folder: Path, reason: str) -> LedgerDamagedError:
    path = ledger_path(folder)
    return LedgerDamagedError(f"{path} is damaged ({reason}); it was not changed{_restore_hint(folder)}")


def _restore_hint(folder: Path) -> str:
    backup = backup_path(folder)
    if not backup.is_file():
        return ""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(backup.stat().st_mtime))
    return f"; a copy of {when} is in {backup}: `nas-tune resume {folder} --from-backup` goes on from it"


def _free_mebibytes(folder: Path) -> int:
    stats = os.statvfs(folder)
    return stats.f_bavail * stats.f_frsize // 2**20
