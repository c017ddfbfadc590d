"""Reads the events of a ledger, checks each, and the chain of all: none is changed, missing or displaced."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field

from nas_tune.ledger.chain import linked
from nas_tune.ledger.connections import has_head
from nas_tune.ledger.consistency import Consistency
from nas_tune.ledger.events import Event
from nas_tune.ledger.rows import Link, beginning, check_column, decoded
from search_spaces.errors import NasTuneError

__all__ = ["EventReader"]

_READ = "SELECT seq, kind, trial, time, body, checksum FROM events WHERE seq > ? ORDER BY seq"
_READ_1 = "SELECT seq, kind, trial, time, body, NULL FROM events WHERE seq > ? ORDER BY seq"


@dataclass(slots=True)
class _Place:
    """The last event that was read, and the states of the trials after it."""

    link: Link
    consistency: Consistency = field(default_factory=Consistency)


class EventReader:
    """Reads the events of one ledger.

    Args:
        connection: to the ledger.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._place: _Place | None = None

    def of_kind(self, after: int, kind: str) -> Iterator[tuple[Event, float]]:
        """Read the events of one kind, and check the fields of each.

        Args:
            after: skip this number of events.
            kind: of the events.

        Yields:
            (event, time in seconds since 1970), in order.

        Raises:
            NasTuneError: an event is damaged.
        """
        query = "SELECT seq, trial, body, time FROM events WHERE seq > ? AND kind = ? ORDER BY seq"
        for seq, trial, body, when in self._connection.execute(query, (after, kind)):
            event = decoded(seq, kind, when, body)
            check_column(seq, event, trial)
            yield event, when

    def events(self, after: int) -> Iterator[tuple[Event, float]]:
        """Read all events, and check each, the chain of checksums and the consistency of the events.

        Args:
            after: skip this number of events.

        Yields:
            (event, time in seconds since 1970), in order.

        Raises:
            NasTuneError: an event is damaged, or one is missing.
        """
        place = self._place if self._place and self._place.link.seq == after else _Place(self._first())
        # The head is read first: events may be added before they are read, but never removed.
        head = self._head()
        seq, checksum, contradicted = place.link.seq, place.link.checksum, place.consistency.contradicted
        self._place = None
        rows = self._connection.execute(_READ if head else _READ_1, (seq,))
        for number, kind, trial, when, body, expected in rows:
            if number != seq + 1:
                raise NasTuneError(f"event {seq + 1} is missing")
            seq, checksum = number, linked(checksum, number, kind, trial, when, body)
            event = decoded(seq, kind, when, body)
            if checksum != expected and expected is not None:
                raise NasTuneError(
                    f"event {seq} ({kind}) was changed after it was written: its checksum does not match"
                )
            check_column(seq, event, trial)
            if (problem := contradicted(event)) is not None:
                raise NasTuneError(f"event {seq} ({kind}): {problem}")
            if head and seq == head.seq and checksum != head.checksum:
                raise NasTuneError(
                    f"an event up to {seq} was changed after it was written: the checksum does not match"
                )
            if seq > after:
                yield event, when
        if head and seq < head.seq:
            raise NasTuneError(f"events {seq + 1} to {head.seq} are missing")
        place.link = Link(seq, checksum)
        self._place = place

    def last(self) -> Link:
        """Find the end of the chain.

        Returns:
            The link that the next event follows.

        Raises:
            NasTuneError: the ledger does not say how many events it has.
        """
        head = self._head()
        if head is not None:
            return head
        seq, checksum = 0, self._first().checksum
        for row in self._connection.execute("SELECT seq, kind, trial, time, body FROM events ORDER BY seq"):
            seq, checksum = row[0], linked(checksum, *row)
        return Link(seq, checksum)

    def _first(self) -> Link:
        """Compute the checksum before the first event, that of the description of the run."""
        link = beginning(self._connection.execute("SELECT key, value FROM meta").fetchall())
        head = self._head()
        if head and head.seq == 0 and head != link:
            raise NasTuneError("its description of the run was changed after it was written")
        return link

    def _head(self) -> Link | None:
        """Read the end of the chain; None for a ledger of format 1."""
        if not has_head(self._connection):
            return None
        row = self._connection.execute("SELECT seq, checksum FROM head").fetchone()
        if row is None:
            raise NasTuneError("its number of events is missing")
        return Link(*row)
