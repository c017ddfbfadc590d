"""Observers of a run: they get every event after it was written, and cannot harm the run.

Each observer runs in its own thread and gets all events in their order. The search waits for it, so that it sees the
state of the run right after the event. All waits for one observer together take at most five seconds and a tenth of
the run's time. After that, events queue up for the observer, and it sees a copy of the state that follows them.

An observer gets no more events, with a warning and a note in the ledger, if one call takes more than five seconds, if
it raised three times (any exception, also SystemExit), or if ten thousand events wait for it. The package's own
observers, such as the backup of the ledger, are called in the thread of the search.
"""

from __future__ import annotations

import copy
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from nas_tune.ledger import Event, RunState

__all__ = ["Audience", "Observer"]

_PATIENCE = 3
_SECONDS = 5.0
_SHARE = 0.1
_QUEUED = 10_000


class Observer(Protocol):
    """Sees each event with the state of the run after it."""

    def on_event(self, event: Event, state: RunState) -> None:
        """Take in an event of the run.

        Args:
            event: what has just happened.
            state: of the run. It is live: read it, do not change it.
        """


class Audience:
    """The observers of one run.

    Args:
        observers: the user's; each is called in a thread of its own.
        clock: the time in seconds, monotonic.
        own: the package's; they are called in the thread of the search, before the others.
        patience: the most seconds of a single call; None for 5.
    """

    def __init__(
        self,
        observers: Iterable[Observer],
        clock: Callable[[], float] = time.monotonic,
        *,
        own: Iterable[Observer] = (),
        patience: float | None = None,
    ) -> None:
        patience = _SECONDS if patience is None else patience
        self._own = [_Inline(observer, clock) for observer in own]
        self._threaded = [_Threaded(observer, clock, patience) for observer in observers]
        self._patience = patience

    def on_event(self, event: Event, state: RunState, when: float = 0.0) -> None:
        """Give one event to every observer.

        Args:
            event: what has just happened.
            state: of the run after the event.
            when: the time of the event, in seconds since 1970.
        """
        self.on_events([event], state, when)

    def on_events(self, events: Sequence[Event], state: RunState, when: float) -> None:
        """Give the events of one transaction to every observer.

        Args:
            events: in their order.
            state: of the run after all of them.
            when: the time of the events, in seconds since 1970.
        """
        for one in self._own:
            one.tell(events, state)
        # All observers get the events before the search waits for one: a signal during the wait loses no event.
        for threaded in self._threaded:
            threaded.tell(events, state, when)
        for threaded in self._threaded:
            threaded.wait(state)

    def left_out(self) -> list[str]:
        """Collect the notes on observers that are called no more.

        Returns:
            The texts since the last call.
        """
        found: list[str] = []
        for one in (*self._own, *self._threaded):
            found.extend(one.take_notes())
        return found

    def close(self) -> None:
        """Give observers with waiting events at most five seconds, then warn of the events that they have not seen."""
        deadline = time.monotonic() + self._patience
        for one in self._threaded:
            one.close(deadline)


class _Listener:
    """An observer with a count of its faults. `held_back` are the exceptions that count as faults."""

    held_back: type[BaseException] = Exception

    def __init__(self, observer: Observer, clock: Callable[[], float]) -> None:
        self.observer, self.clock = observer, clock
        self.name = type(observer).__name__
        self.faults = 0
        self.dropped = False
        self._said: list[str] = []
        self._notes: list[str] = []

    def take_notes(self) -> list[str]:
        """The notes for the ledger since the last call."""
        taken, self._notes = self._notes, []
        return taken

    def look(self, event: Event, state: RunState) -> None:
        """Call the observer once. No exception in `held_back` leaves this boundary."""
        started = self.clock()
        try:
            self.observer.on_event(event, state)
        except self.held_back as error:
            self._failed(f"raised {error!r}")
        else:
            if (taken := self.clock() - started) > _SECONDS:
                self._failed(f"kept the search waiting for {taken:.1f} seconds")

    def drop(self, what: str) -> None:
        """Call the observer no more."""
        self.dropped = True
        self._say(f"observer {self.name} {what}; it is left out from now on")

    def warn(self) -> None:
        """Issue the warnings since the last call, in the thread of the search."""
        said, self._said = self._said, []
        for text in said:
            warnings.warn(text, stacklevel=4)

    def _failed(self, what: str) -> None:
        self.faults += 1
        if self.faults == 1:
            self._said.append(f"observer {self.name} {what}; the run goes on")
        if self.faults == _PATIENCE:
            self.dropped = True
            self._say(f"observer {self.name} {what}; it is left out from now on, after {_PATIENCE} times")

    def _say(self, text: str) -> None:
        self._said.append(text)
        self._notes.append(text)


class _Inline(_Listener):
    """An observer that is called in the thread of the search."""

    def tell(self, events: Sequence[Event], state: RunState) -> None:
        for event in events:
            if not self.dropped:
                self.look(event, state)
        self.warn()


@dataclass(frozen=True, slots=True)
class _Transaction:
    """The events of one transaction; `state` is the live one while the search waits, None where they queue up."""

    events: Sequence[Event]
    when: float
    state: RunState | None


class _Threaded(_Listener):
    """An observer that is called in its own thread. The search waits for it as long as it is quick."""

    # An observer may raise anything, SystemExit too. Signals are raised in the main thread, so none is held back here.
    held_back = BaseException

    def __init__(self, observer: Observer, clock: Callable[[], float], patience: float) -> None:
        super().__init__(observer, clock)
        self._longest = patience
        self._queue: deque[_Transaction] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy_since: float | None = None
        self._behind: RunState | None = None
        self._closing = False
        self._began = time.monotonic()
        self._waited = 0.0

    def tell(self, events: Sequence[Event], state: RunState, when: float) -> None:
        """Put the events at the end of the observer's queue."""
        if self.dropped or self._closing:
            return
        with self._changed:
            if self._behind is not None and not self._pending() and self._allowance() > self._longest / 2:
                self._behind = None  # The observer has caught up.
            self._queue.append(_Transaction(events, when, state if self._behind is None else None))
            if len(self._queue) > _QUEUED:
                self._leave_out(f"is too slow: {_QUEUED:,} events wait for it")
            self._changed.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._listen, name=f"observer {self.name}", daemon=True)
            self._thread.start()

    def wait(self, state: RunState) -> None:
        """Wait until the observer has seen all events. Where it falls behind, it continues on a copy of `state`."""
        if not (self.dropped or self._closing):
            with self._changed:
                if self._behind is None:
                    self._keep_step(state)
                self._check_hanging()
        self.warn()

    def close(self, deadline: float) -> None:
        """Wait until the observer has seen all events, or until `deadline` (seconds by `time.monotonic`)."""
        with self._changed:
            while not self.dropped and self._pending() and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            self._check_hanging()
            if not self.dropped and (missed := sum(len(batch.events) for batch in self._queue)):
                self._say(f"observer {self.name} is too slow: the run ended before it received {missed} events")
            self._closing = True
            self._queue.clear()
            self._changed.notify_all()
        self.warn()

    def _keep_step(self, state: RunState) -> None:
        started = time.monotonic()
        deadline = started + min(self._longest, max(0.0, self._allowance()))
        try:
            while not self.dropped and self._pending() and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
        finally:
            self._waited += time.monotonic() - started
        if not self.dropped and self._pending():
            self._behind = copy.deepcopy(state)
            self._queue = deque(replace(batch, state=self._behind) for batch in self._queue)

    def _allowance(self) -> float:
        """The seconds that the search may still wait for the observer."""
        return self._longest + _SHARE * (time.monotonic() - self._began) - self._waited

    def _pending(self) -> bool:
        return bool(self._queue) or self._busy_since is not None

    def _check_hanging(self) -> None:
        since = self._busy_since
        # The call began a moment after the search began to wait, hence 0.95.
        if not self.dropped and since is not None and time.monotonic() - since >= 0.95 * self._longest:
            self._leave_out(f"did not come back from on_event for {self._longest:g} seconds")

    def _leave_out(self, what: str) -> None:
        self.drop(what)
        self._queue.clear()

    def _listen(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._closing and not self.dropped:
                    self._changed.wait()
                if self._closing or self.dropped:
                    return
                batch = self._queue.popleft()
                state = batch.state or self._caught_up(batch)
                self._busy_since = time.monotonic()
            for event in batch.events:
                if not self.dropped:
                    self.look(event, state)
                    self._busy_since = time.monotonic()
            with self._changed:
                self._busy_since = None
                self._changed.notify_all()

    def _caught_up(self, batch: _Transaction) -> RunState:
        """The copy of the state, after these events too."""
        state = self._behind or RunState()
        for event in batch.events:
            state.apply(event, batch.when)
        return state
