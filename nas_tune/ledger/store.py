"""The ledger: one SQLite file per run, written by its driver only, in one transaction for each append.

Events survive a SIGKILL of the process once `append` has returned. A torn file is recognised and never changed; so is a
changed, missing or displaced event, by a chain of checksums (`nas_tune.ledger.chain`). A newer format is refused. After
a power cut the file is whole, but the last transactions may be lost (WAL with synchronous=NORMAL).
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from nas_tune.errors import LedgerDamagedError, RunFolderError
from nas_tune.ledger.connections import FORMAT_VERSION, UNREADABLE, connect, connect_whole, has_head
from nas_tune.ledger.events import Event
from nas_tune.ledger.meta import decode_meta
from nas_tune.ledger.places import damaged, identity, ledger_path, moved_to, restore_hint
from nas_tune.ledger.reading import EventReader
from nas_tune.ledger.rows import Link, beginning, event_rows
from search_spaces.errors import NasTuneError
from trainables.drafts import draft_file

__all__ = ["Ledger"]

_HEAD = """
CREATE TABLE head (one INTEGER PRIMARY KEY CHECK (one = 1), seq INTEGER NOT NULL, checksum INTEGER NOT NULL) STRICT
"""
_SCHEMA = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, trial INTEGER, time REAL NOT NULL, body TEXT NOT NULL,
    checksum INTEGER
) STRICT;
{_HEAD};
"""
_UPGRADE = (
    "ALTER TABLE events ADD COLUMN checksum INTEGER",
    _HEAD,
    "UPDATE meta SET value = '2' WHERE key = 'format_version'",
)
_INSERT = "INSERT INTO events (seq, kind, trial, time, body, checksum) VALUES (?, ?, ?, ?, ?, ?)"
_MOVE_HEAD = "INSERT OR REPLACE INTO head VALUES (1, ?, ?)"


class Ledger:
    """An open ledger, for its single writer or for readers. `create` makes a new one, `open` opens an existing one.

    Args:
        path: the file.
        connection: an open connection to it.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self.clock: Callable[[], float] = time.time
        self._connection = connection
        self._file = identity(path)
        self._meta: dict[str, Any] | None = None
        self._reader = EventReader(connection)
        self._end: Link | None = None

    @classmethod
    def create(
        cls, folder: Path, meta: Mapping[str, Any], events: Iterable[Event] = (), when: float | None = None
    ) -> Ledger:
        """Write the ledger of a new run together with its first events.

        Args:
            folder: the run folder.
            meta: the description of the run; it can be written as JSON, and never changes later.
            events: the first events (default: none).
            when: their time, in seconds since 1970 (default: now).

        Returns:
            The open ledger.

        Raises:
            RunFolderError: the folder has a ledger already, or cannot be written.
        """
        path = ledger_path(folder)
        if path.exists():
            raise RunFolderError(f"{folder} holds a run already: resume it, or take another folder (--new)")
        try:
            now = time.time() if when is None else when
            # The draft is renamed when it is whole, so a kill leaves no half-written ledger.
            with draft_file(path) as draft, closing(sqlite3.connect(draft)) as connection, connection:
                connection.executescript(_SCHEMA)
                said = {"format_version": FORMAT_VERSION, **meta}
                texts = [(key, json.dumps(value)) for key, value in said.items()]
                connection.executemany("INSERT INTO meta VALUES (?, ?)", texts)
                rows = event_rows(events, now, beginning(texts))
                connection.executemany(_INSERT, rows)
                connection.execute(_MOVE_HEAD, (len(rows), rows[-1][-1] if rows else beginning(texts).checksum))
        except (sqlite3.Error, OSError) as error:
            raise RunFolderError(f"cannot write the ledger in {folder}: {error}") from error
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path, *, readonly: bool = False) -> Ledger:
        """Open the ledger of a run, after checking that it is whole and of a known format.

        Args:
            folder: the run folder.
            readonly: whether the ledger is only read (default: False).

        Returns:
            The open ledger.

        Raises:
            LedgerDamagedError: the ledger is missing, torn, or not a ledger.
            NewerFormatError: a newer version wrote it.
        """
        path = ledger_path(folder)
        if not path.is_file():
            raise LedgerDamagedError(f"{folder} holds no run: there is no {path.name}{restore_hint(folder)}")
        # The file is first opened for reading, because opening a torn file for writing changes it. Only a rollback
        # journal (not a WAL) of a killed driver must be written back before the file can be read.
        looking = readonly or not path.with_name(f"{path.name}-journal").exists()
        try:
            connection = connect_whole(path, looking)
            if looking != readonly:
                connection.close()
                connection = connect(path, readonly)
        except UNREADABLE as error:
            raise damaged(folder, str(error)) from error
        return cls(path, connection)

    def append(self, *events: Event) -> float:
        """Write events in one transaction.

        Args:
            events: the events, in order.

        Returns:
            Their time by `clock`: seconds since 1970, or virtual.

        Raises:
            RunFolderError: the disk is full, the file cannot be written, or it was moved; none of the events is stored.
        """
        self._check_place()
        now = self.clock()
        try:
            end = self._end or self._reader.last()
            rows = event_rows(events, now, end)
            with self._connection:
                if not has_head(self._connection):
                    self._connection.execute("BEGIN")
                    for step in _UPGRADE:
                        self._connection.execute(step)
                self._connection.executemany(_INSERT, rows)
                end = Link(rows[-1][0], rows[-1][-1]) if rows else end
                self._connection.execute(_MOVE_HEAD, (end.seq, end.checksum))
        except sqlite3.DatabaseError as error:
            free = shutil.disk_usage(self.path.parent).free // 2**20
            raise RunFolderError(
                f"cannot write to {self.path}: {error} ({free} MiB free); everything before is safe: "
                "make room, then resume the run"
            ) from error
        self._end = end
        return now

    def _check_place(self) -> None:
        """Refuse to write to a file that is no longer in the run folder."""
        if identity(self.path) == self._file:
            return
        now = moved_to(self._file)
        where = f"to {now.parent}: go on there (nas-tune resume {now.parent})" if now else "or deleted meanwhile"
        raise RunFolderError(
            f"{self.path.parent} no longer holds this run: its folder was moved, {where}; "
            "what was written before is safe in it, and nothing is written in the old place"
        )

    def events(self, after: int = 0, kind: str | None = None) -> Iterator[tuple[Event, float]]:
        """Read events and check them.

        The fields of each event are checked. Without `kind`, the chain of checksums and the consistency of the events
        are checked too.

        Args:
            after: skip this number of events (default: 0).
            kind: read only events of this kind (default: all).

        Yields:
            (event, time in seconds since 1970), in order.

        Raises:
            LedgerDamagedError: an event is damaged; the message says which and how.
        """
        try:
            yield from self._reader.events(after) if kind is None else self._reader.of_kind(after, kind)
        except (*UNREADABLE, NasTuneError) as error:
            raise damaged(self.path.parent, str(error)) from error

    def __len__(self) -> int:
        """The number of events."""
        (count,) = self._connection.execute("SELECT COALESCE(MAX(seq), 0) FROM events").fetchone()
        return int(count)

    @property
    def meta(self) -> dict[str, Any]:
        """What was written at the start of the run: configuration, space, versions.

        Raises:
            LedgerDamagedError: a value cannot be read or is not of its type; says which.
        """
        if self._meta is None:
            try:
                self._meta = decode_meta(dict(self._connection.execute("SELECT key, value FROM meta").fetchall()))
            except (*UNREADABLE, NasTuneError) as error:
                raise damaged(self.path.parent, str(error)) from error
        return self._meta

    def backup(self, target: Path) -> None:
        """Copy the ledger, as of now: the copy is written beside the target and then renamed.

        Args:
            target: the file to write.

        Raises:
            RunFolderError: the target cannot be written, or the ledger was moved.
        """
        self._check_place()
        try:
            with draft_file(target) as draft, closing(sqlite3.connect(draft)) as copy:
                self._connection.backup(copy)
                # Without a WAL the copy is one file, which can be read in a folder without write access.
                copy.execute("PRAGMA journal_mode = DELETE")
        except (sqlite3.Error, OSError) as error:
            raise RunFolderError(f"cannot back the ledger up to {target}: {error}") from error

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._connection.close()
