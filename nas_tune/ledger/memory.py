"""A ledger that lasts as long as the process: for benchmarks, which run a thousand searches and keep their scores."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Protocol

from nas_tune.ledger.events import Event

__all__ = ["EventLog", "MemoryLedger"]


class EventLog(Protocol):
    """What a coordinator needs of a ledger."""

    def append(self, *events: Event) -> float:
        """Keep the events, all or none, and return their time in seconds."""

    def events(self) -> Iterator[tuple[Event, float]]:
        """All events with their times, in order."""


class MemoryLedger:
    """Keeps events in a list; `clock` says their times."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._events: list[tuple[Event, float]] = []

    def append(self, *events: Event) -> float:
        now = self._clock()
        self._events.extend((event, now) for event in events)
        return now

    def events(self) -> Iterator[tuple[Event, float]]:
        return iter(self._events)
