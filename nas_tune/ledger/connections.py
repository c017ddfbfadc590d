"""Connections to ledger files. A file is checked before it is read: it is whole, a ledger, and of a known format."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from nas_tune.errors import NewerFormatError
from nas_tune.ledger.filesystem import is_network_folder
from nas_tune.ledger.places import damaged

__all__ = ["FORMAT_VERSION", "UNREADABLE", "connect", "connect_whole", "has_head"]

FORMAT_VERSION = 2
"""Format 1 has no checksums. Appending to such a ledger upgrades it to format 2, so that no older version
appends events without checksums."""
UNREADABLE = (sqlite3.DatabaseError, UnicodeDecodeError)
"""The errors of reading a damaged file; messages of SQLite may contain bytes of the file."""


def has_head(connection: sqlite3.Connection) -> bool:
    """Check whether a ledger has the end of the chain of checksums; one of format 1 has none.

    Args:
        connection: to the ledger.

    Returns:
        True for a ledger with its end.
    """
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'head'").fetchone() is not None


def connect_whole(path: Path, readonly: bool) -> sqlite3.Connection:
    """Connect to a ledger and check its file.

    Args:
        path: the file.
        readonly: whether it is only read.

    Returns:
        The connection.

    Raises:
        LedgerDamagedError: the file is torn, or not a ledger.
        NewerFormatError: a newer version wrote it.
        sqlite3.DatabaseError, UnicodeDecodeError: the file cannot be read.
    """
    try:
        return _checked(connect(path, readonly), path)
    except sqlite3.OperationalError as error:
        if not readonly or error.sqlite_errorname != "SQLITE_READONLY_DIRECTORY":
            raise
        # Without write access to the folder there is no shared memory for a WAL; an immutable file needs none.
        return _checked(connect(path, readonly, "&immutable=1"), path)


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
        raise damaged(folder, "the end of the file is missing")
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
    if has_head(connection) != (version == FORMAT_VERSION):
        raise damaged(folder, f"its format version is {version}, and its tables are those of another version")


def _tables(connection: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """List (type, name, strict) of the tables that a ledger reads; only STRICT tables enforce the types of columns."""
    listed = connection.execute("SELECT type, name, strict FROM pragma_table_list WHERE schema = 'main'")
    return [row for row in listed if row[1] in ("meta", "events", "head")]


def connect(path: Path, readonly: bool, options: str = "") -> sqlite3.Connection:
    """Connect to a ledger without a check of its file.

    Args:
        path: the file.
        readonly: whether it is only read.
        options: further options of the URI (default: none).

    Returns:
        The connection. One that writes uses a WAL, except on a network file system.

    Raises:
        sqlite3.DatabaseError: the file cannot be opened.
    """
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
