"""Ways to damage a ledger: as a disk does, as an older version left it, as somebody who knows the checksums would."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from nas_tune.ledger import chain, ledger_path

__all__ = ["change_event", "change_meta", "execute", "make_old", "seal"]


def execute(folder: Path, *statements: str) -> None:
    """Change the file behind the back of its checksums."""
    with closing(sqlite3.connect(ledger_path(folder))) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def make_old(folder: Path) -> None:
    """Make it what a version before the checksums wrote."""
    execute(
        folder,
        "ALTER TABLE events DROP COLUMN checksum",
        "DROP TABLE head",
        "UPDATE meta SET value = '1' WHERE key = 'format_version'",
    )


def seal(folder: Path) -> None:
    """Compute all checksums anew, so that nothing but what it says gives a damage away."""
    with closing(sqlite3.connect(ledger_path(folder))) as connection, connection:
        meta = connection.execute("SELECT key, value FROM meta WHERE key != 'format_version'").fetchall()
        checksum, seq = chain.begun(meta), 0
        for row in connection.execute("SELECT seq, kind, trial, time, body FROM events ORDER BY seq").fetchall():
            seq, checksum = row[0], chain.linked(checksum, *row)
            connection.execute("UPDATE events SET checksum = ? WHERE seq = ?", (checksum, seq))
        connection.execute("UPDATE head SET seq = ?, checksum = ?", (seq, checksum))


def change_event(folder: Path, seq: int, change: Callable[[dict[str, Any]], object]) -> None:
    """Let `change` have the fields of an event; what it returns (text as it is, all else as JSON) takes their place."""
    with closing(sqlite3.connect(ledger_path(folder))) as connection, connection:
        (body,) = connection.execute("SELECT body FROM events WHERE seq = ?", (seq,)).fetchone()
        made = change(json.loads(body))
        text = made if isinstance(made, str) else json.dumps(made)
        connection.execute("UPDATE events SET body = ? WHERE seq = ?", (text, seq))
    seal(folder)


def change_meta(folder: Path, key: str, value: object) -> None:
    """Another value under a key of meta: text as it is, all else as JSON."""
    text = value if isinstance(value, str) else json.dumps(value)
    with closing(sqlite3.connect(ledger_path(folder))) as connection, connection:
        connection.execute("UPDATE meta SET value = ? WHERE key = ?", (text, key))
    seal(folder)
