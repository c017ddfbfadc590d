"""The ledger: one SQLite file per run, written by its driver only, in one transaction for each append.

Events survive a SIGKILL of the process once `append` has returned. A torn file is recognised and never changed; so is a
changed, missing or displaced event, by a chain of checksums (`nas_tune.ledger.chain`). A newer format is refused. After
a power cut the file is whole, but the last transactions may be lost (WAL with synchronous=NORMAL).
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nas_tune.errors import LedgerDamagedError, NewerFormatError, RunFolderError
from nas_tune.ledger.chain import begun, linked
from nas_tune.ledger.consistency import Consistency
from nas_tune.ledger.events import Event, decode, encode
from nas_tune.ledger.fields import EARLIEST, LATEST
from nas_tune.ledger.filesystem import is_network_folder
from nas_tune.ledger.meta import decode_meta
from search_spaces.errors import NasTuneError
from trainables.drafts import draft_file

__all__ = ["FORMAT_VERSION", "Ledger", "backup_path", "damaged", "ledger_path"]

FORMAT_VERSION = 2
"""Format 1 has no checksums. Appending to such a ledger upgrades it to format 2, so that no older version
appends events without checksums."""
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
_READ = "SELECT seq, kind, trial, time, body, checksum FROM events WHERE seq > ? ORDER BY seq"
_READ_1 = "SELECT seq, kind, trial, time, body, NULL FROM events WHERE seq > ? ORDER BY seq"
_MOVE_HEAD = "INSERT OR REPLACE INTO head VALUES (1, ?, ?)"
_UNREADABLE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""The errors of reading a damaged file; messages of SQLite may contain bytes of the file."""
_Row = tuple[int, str, int | None, float, str, int]


@dataclass(frozen=True, slots=True)
class _Link:
    """The checksum after event number `seq`; after the last one it is the head of the chain."""

    seq: int
    checksum: int


@dataclass(slots=True)
class _Place:
    """The last event that was read, and the states of the trials after it."""

    link: _Link
    consistency: Consistency = field(default_factory=Consistency)


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
        self._file = _identity(path)
        self._meta: dict[str, Any] | None = None
        self._read: _Place | None = None
        self._end: _Link | None = None

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
                rows = _rows(events, now, _beginning(texts))
                connection.executemany(_INSERT, rows)
                connection.execute(_MOVE_HEAD, (len(rows), rows[-1][-1] if rows else _beginning(texts).checksum))
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
            raise LedgerDamagedError(f"{folder} holds no run: there is no {path.name}{_restore_hint(folder)}")
        # The file is first opened for reading, because opening a torn file for writing changes it. Only a rollback
        # journal (not a WAL) of a killed driver must be written back before the file can be read.
        looking = readonly or not path.with_name(f"{path.name}-journal").exists()
        try:
            connection = _connect_whole(path, looking)
            if looking != readonly:
                connection.close()
                connection = _connect(path, readonly)
        except _UNREADABLE as error:
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
            end = self._end or self._last()
            rows = _rows(events, now, end)
            with self._connection:
                if not _has_head(self._connection):
                    self._connection.execute("BEGIN")
                    for step in _UPGRADE:
                        self._connection.execute(step)
                self._connection.executemany(_INSERT, rows)
                end = _Link(rows[-1][0], rows[-1][-1]) if rows else end
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
        if _identity(self.path) == self._file:
            return
        now = _moved_to(self._file)
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
            yield from self._all(after) if kind is None else self._of_kind(after, kind)
        except (*_UNREADABLE, NasTuneError) as error:
            raise damaged(self.path.parent, str(error)) from error

    def _of_kind(self, after: int, kind: str) -> Iterator[tuple[Event, float]]:
        query = "SELECT seq, trial, body, time FROM events WHERE seq > ? AND kind = ? ORDER BY seq"
        for seq, trial, body, when in self._connection.execute(query, (after, kind)):
            event = _decoded(seq, kind, when, body)
            _check_column(seq, event, trial)
            yield event, when

    def _all(self, after: int) -> Iterator[tuple[Event, float]]:
        place = self._read if self._read and self._read.link.seq == after else _Place(self._first())
        # The head is read first: events may be added before they are read, but never removed.
        head = self._head()
        seq, checksum, contradicted = place.link.seq, place.link.checksum, place.consistency.contradicted
        self._read = None
        rows = self._connection.execute(_READ if head else _READ_1, (seq,))
        for number, kind, trial, when, body, expected in rows:
            if number != seq + 1:
                raise NasTuneError(f"event {seq + 1} is missing")
            seq, checksum = number, linked(checksum, number, kind, trial, when, body)
            event = _decoded(seq, kind, when, body)
            if checksum != expected and expected is not None:
                raise NasTuneError(f"event {seq} ({kind}) is not what was written: its checksum does not fit")
            _check_column(seq, event, trial)
            if (problem := contradicted(event)) is not None:
                raise NasTuneError(f"event {seq} ({kind}): {problem}")
            if head and seq == head.seq and checksum != head.checksum:
                raise NasTuneError(f"what was written until event {seq} is not what is there")
            if seq > after:
                yield event, when
        if head and seq < head.seq:
            raise NasTuneError(f"events {seq + 1} to {head.seq} are missing")
        place.link = _Link(seq, checksum)
        self._read = place

    def _first(self) -> _Link:
        """Compute the checksum before the first event, that of the description of the run."""
        link = _beginning(self._connection.execute("SELECT key, value FROM meta").fetchall())
        head = self._head()
        if head and head.seq == 0 and head != link:
            raise NasTuneError("what it says of the run is not what was written")
        return link

    def _head(self) -> _Link | None:
        """Read the end of the chain; None for a ledger of format 1."""
        if not _has_head(self._connection):
            return None
        row = self._connection.execute("SELECT seq, checksum FROM head").fetchone()
        if row is None:
            raise NasTuneError("it does not say how many events it has")
        return _Link(*row)

    def _last(self) -> _Link:
        """Find the link that the next event follows."""
        head = self._head()
        if head is not None:
            return head
        seq, checksum = 0, self._first().checksum
        for row in self._connection.execute("SELECT seq, kind, trial, time, body FROM events ORDER BY seq"):
            seq, checksum = row[0], linked(checksum, *row)
        return _Link(seq, checksum)

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
            except (*_UNREADABLE, NasTuneError) as error:
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


def _beginning(meta: Iterable[tuple[str, str]]) -> _Link:
    # The format version is left out, so that an upgrade from format 1 keeps the checksum.
    return _Link(0, begun(row for row in meta if row[0] != "format_version"))


def _rows(events: Iterable[Event], when: float, end: _Link) -> list[_Row]:
    """Make the rows of events that follow the link `end`."""
    rows: list[_Row] = []
    seq, checksum = end.seq, end.checksum
    for event in events:
        seq, trial, body = seq + 1, getattr(event, "trial", None), encode(event)
        checksum = linked(checksum, seq, event.kind, trial, when, body)
        rows.append((seq, event.kind, trial, when, body, checksum))
    return rows


def _decoded(seq: int, kind: str, when: float, body: str) -> Event:
    if not EARLIEST <= when < LATEST:
        raise NasTuneError(f"event {seq} ({kind}): its time is {when:g}, which is no time in seconds since 1970")
    try:
        return decode(kind, body)
    except NasTuneError as error:
        raise NasTuneError(f"event {seq}, {error}") from error


def _check_column(seq: int, event: Event, trial: int | None) -> None:
    """Check that the trial column of an event agrees with its body."""
    if (said := getattr(event, "trial", None)) != trial:
        column = "of no trial" if trial is None else f"of trial {trial}"
        body = "tells of none" if said is None else f"tells of trial {said}"
        raise NasTuneError(f"event {seq} ({event.kind}) is {column} by its column, and its body {body}")


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _moved_to(file: tuple[int, int] | None) -> Path | None:
    """Find the present path of an open file of this process; None on systems that cannot tell (Linux can)."""
    try:
        opened = list(Path("/proc/self/fd").iterdir())
    except OSError:
        return None
    for link in opened:
        with suppress(OSError):
            place = Path(os.readlink(link))
            if _identity(place) == file and place.name == "ledger.sqlite":
                return place
    return None


def _has_head(connection: sqlite3.Connection) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'head'").fetchone() is not None


def _connect_whole(path: Path, readonly: bool) -> sqlite3.Connection:
    try:
        return _checked(_connect(path, readonly), path)
    except sqlite3.OperationalError as error:
        if not readonly or error.sqlite_errorname != "SQLITE_READONLY_DIRECTORY":
            raise
        # Without write access to the folder there is no shared memory for a WAL; an immutable file needs none.
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
        raise damaged(folder, " ".join(verdict.split()))
    if _is_short(connection, path):
        raise damaged(folder, "its end is missing")
    connection.execute("SELECT seq FROM events LIMIT 0")
    loose = [name for kind, name, strict in _tables(connection) if (kind, strict) != ("table", 1)]
    if loose:
        raise damaged(folder, f"{', '.join(loose)}: no table whose columns have types")
    row = connection.execute("SELECT value FROM meta WHERE key = 'format_version'").fetchone()
    if row is None or not isinstance(row[0], str) or not (row[0].isascii() and row[0].isdigit()):
        raise damaged(folder, "it has no format version")
    version = int(row[0][:9])
    if version > FORMAT_VERSION:
        raise NewerFormatError(
            f"{folder} was written in ledger format {version}, this nas_tune reads up to {FORMAT_VERSION}: "
            "upgrade nas_tune to open it; nothing was changed"
        )
    if _has_head(connection) != (version == FORMAT_VERSION):
        raise damaged(folder, f"it says that it has format {version}, and it has another")


def _tables(connection: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """List (type, name, strict) of the tables that a ledger reads; only STRICT tables enforce the types of columns."""
    listed = connection.execute("SELECT type, name, strict FROM pragma_table_list WHERE schema = 'main'")
    return [row for row in listed if row[1] in ("meta", "events", "head")]


def _connect(path: Path, readonly: bool, options: str = "") -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={'ro' if readonly else 'rw'}{options}"
    if readonly and not os.access(path.parent, os.W_OK) and not path.with_name(f"{path.name}-wal").exists():
        # A reader of a WAL data base writes a file beside it, unless the data base is immutable.
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
    """Tell whether the last page is cut (SQLite reads zeros there); False while a WAL holds newer pages."""
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and log.stat().st_size:
        return False
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return path.stat().st_size < int(pages) * int(size)


def damaged(folder: Path, reason: str) -> LedgerDamagedError:
    """Make the error for a damaged ledger.

    Args:
        folder: the run folder.
        reason: the damage, in words.

    Returns:
        The error; its message names the backup, if there is one.
    """
    path = ledger_path(folder)
    return LedgerDamagedError(f"{path} is damaged ({reason}); it was not changed{_restore_hint(folder)}")


def _restore_hint(folder: Path) -> str:
    backup = backup_path(folder)
    if not backup.is_file():
        return ""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(backup.stat().st_mtime))
    return f"; a copy of {when} is in {backup}: `nas-tune resume {folder} --from-backup` goes on from it"
