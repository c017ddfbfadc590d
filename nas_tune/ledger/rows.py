"""Rows of the table of events: made for events that follow the end of the chain, and read back with their checks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nas_tune.ledger.chain import begun, linked
from nas_tune.ledger.events import Event, decode_event, encode_event
from nas_tune.ledger.fields import EARLIEST, LATEST
from search_spaces.errors import NasTuneError

__all__ = ["Link", "Row", "beginning", "check_column", "decoded", "event_rows"]

Row = tuple[int, str, int | None, float, str, int]
"""Number, kind, trial, time in seconds since 1970, body as JSON, and checksum of an event."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the chain of checksums.

    Attributes:
        seq: the number of an event; 0 before the first.
        checksum: after that event.
    """

    seq: int
    checksum: int


def beginning(meta: Iterable[tuple[str, str]]) -> Link:
    """Compute the link before the first event.

    Args:
        meta: (key, JSON) pairs of the description of the run, in any order.

    Returns:
        The link, with number 0.
    """
    # The format version is left out, so that an upgrade from format 1 keeps the checksum.
    return Link(0, begun(row for row in meta if row[0] != "format_version"))


def event_rows(events: Iterable[Event], when: float, end: Link) -> list[Row]:
    """Make the rows of events.

    Args:
        events: the events, in order.
        when: their time in seconds since 1970.
        end: the link that they follow.

    Returns:
        A row for each event: number, kind, trial, time, body, checksum.
    """
    rows: list[Row] = []
    seq, checksum = end.seq, end.checksum
    for event in events:
        seq, trial, body = seq + 1, getattr(event, "trial", None), encode_event(event)
        checksum = linked(checksum, seq, event.kind, trial, when, body)
        rows.append((seq, event.kind, trial, when, body, checksum))
    return rows


def decoded(seq: int, kind: str, when: float, body: str) -> Event:
    """Read the event of a row, and check its fields and its time.

    Args:
        seq: the number of the event.
        kind: of the event.
        when: its time in seconds since 1970.
        body: its fields as JSON.

    Returns:
        The event.

    Raises:
        NasTuneError: a field or the time is wrong.
    """
    if not EARLIEST <= when < LATEST:
        raise NasTuneError(f"event {seq} ({kind}): its time is {when:g}, which is not a time in seconds since 1970")
    try:
        return decode_event(kind, body)
    except NasTuneError as error:
        raise NasTuneError(f"event {seq}, {error}") from error


def check_column(seq: int, event: Event, trial: int | None) -> None:
    """Check that the trial column of an event agrees with its body.

    Args:
        seq: the number of the event.
        event: as its body has it.
        trial: the column.

    Raises:
        NasTuneError: they differ.
    """
    if (said := getattr(event, "trial", None)) != trial:
        column = "no trial" if trial is None else f"trial {trial}"
        body = "no trial" if said is None else f"trial {said}"
        raise NasTuneError(f"event {seq} ({event.kind}): its column says {column}, and its body says {body}")
