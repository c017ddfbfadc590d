"""A ledger in memory, for benchmarks that run a thousand searches and keep only their scores."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Protocol

from nas_tune.ledger.events import Event

__all__ = ["EventLog", "MemoryLedger"]


class EventLog(Protocol):
    """The port of a ledger as a coordinator uses it."""

    def append(self, *events: Event) -> float:
        """Store events, all or none.

        Args:
            events: the events, in order.

        Returns:
            Their time, in seconds.
        """

    def events(self) -> Iterator[tuple[Event, float]]:
        """Iterate over all events.

        Returns:
            An iterator over (event, time in seconds), in order.
        """


class MemoryLedger:
    """Keeps events in a list.

    Args:
        clock: returns the time of an append, in seconds (default: the time since 1970).
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._events: list[tuple[Event, float]] = []

    def append(self, *events: Event) -> float:
        now = self._clock()
        self._events.extend((event, now) for event in events)
        return now

    def events(self) -> Iterator[tuple[Event, float]]:
        return iter(self._events)
