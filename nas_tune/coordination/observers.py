"""Observers of a run: told of every event after it was written, unable to harm the run.

Each observer runs in a thread of its own and gets all events in their order. The search waits for it, so that it
sees the state of the run right after the event, but not for long: all waiting together is at most five seconds and a
tenth of the run's time. From there on events queue up for it, and it sees a copy of the state that follows them.

An observer is left out, with a warning and a note in the ledger, if one call takes more than five seconds, if it
raised three times (whatever it raised, also SystemExit), or if ten thousand events wait for it. What the package
itself attaches to a run, such as the backup of its ledger, is called in the same thread.
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
        """Look at what has just happened; `state` is live: read it, do not change it."""


class Audience:
    """The observers of one run.

    Args:
        observers: the user's; each is called in a thread of its own.
        clock: seconds, monotonic.
        own: the package's; told in line, before the others.
        patience: seconds that a single call may take; by default 5.
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
        self._aside = [_Aside(observer, clock, patience) for observer in observers]
        self._patience = patience

    def on_event(self, event: Event, state: RunState, when: float = 0.0) -> None:
        """Tell every observer that still listens of one event."""
        self.on_events([event], state, when)

    def on_events(self, events: Sequence[Event], state: RunState, when: float) -> None:
        """Tell of the events of one transaction, which happened at `when`; `state` is that after all of them."""
        for one in self._own:
            one.tell(events, state)
        # All get the event before one is waited for: a signal that ends the waiting loses nobody an event.
        for aside in self._aside:
            aside.tell(events, state, when)
        for aside in self._aside:
            aside.wait(state)

    def left_out(self) -> list[str]:
        """What to note of observers that were left out since the last call."""
        return [text for one in (*self._own, *self._aside) for text in one.take_notes()]

    def close(self) -> None:
        """Give those that are behind at most five seconds; what they then have not seen is warned about."""
        deadline = time.monotonic() + self._patience
        for one in self._aside:
            one.close(deadline)


class _Listener:
    """An observer with its faults; `held_back` is what may not leave it."""

    held_back: type[BaseException] = Exception

    def __init__(self, observer: Observer, clock: Callable[[], float]) -> None:
        self.observer, self.clock = observer, clock
        self.name = type(observer).__name__
        self.faults = 0
        self.dropped = False
        self._said: list[str] = []
        self._notes: list[str] = []

    def take_notes(self) -> list[str]:
        """What the ledger should keep."""
        taken, self._notes = self._notes, []
        return taken

    def look(self, event: Event, state: RunState) -> None:
        """One call of the observer: a callback boundary, which nothing leaves."""
        started = self.clock()
        try:
            self.observer.on_event(event, state)
        except self.held_back as error:
            self._failed(f"raised {error!r}")
        else:
            if (taken := self.clock() - started) > _SECONDS:
                self._failed(f"kept the search waiting for {taken:.1f} seconds")

    def drop(self, what: str) -> None:
        """Leave it out from now on."""
        self.dropped = True
        self._say(f"observer {self.name} {what}; it is left out from now on")

    def warn(self) -> None:
        """Say what there is to say, in the thread of the search."""
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
    """Told in the thread of the search."""

    def tell(self, events: Sequence[Event], state: RunState) -> None:
        for event in events:
            if not self.dropped:
                self.look(event, state)
        self.warn()


@dataclass(frozen=True, slots=True)
class _Told:
    """The events of one transaction; `state` is the live one while the search waits, None where they queue up."""

    events: Sequence[Event]
    when: float
    state: RunState | None


class _Aside(_Listener):
    """Told in a thread of its own, which the search waits for as long as it is quick."""

    # A stranger's code may raise anything, SystemExit too; signals are raised in the main thread, and not here.
    held_back = BaseException

    def __init__(self, observer: Observer, clock: Callable[[], float], patience: float) -> None:
        super().__init__(observer, clock)
        self._longest = patience
        self._queue: deque[_Told] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._busy_since: float | None = None
        self._behind: RunState | None = None
        self._closing = False
        self._began = time.monotonic()
        self._waited = 0.0

    def tell(self, events: Sequence[Event], state: RunState, when: float) -> None:
        """Put the events at the end of its queue."""
        if self.dropped or self._closing:
            return
        with self._changed:
            if self._behind is not None and not self._pending() and self._allowance() > self._longest / 2:
                self._behind = None  # It has caught up.
            self._queue.append(_Told(events, when, state if self._behind is None else None))
            if len(self._queue) > _QUEUED:
                self._leave_out(f"is too slow: {_QUEUED:,} events wait for it")
            self._changed.notify_all()
        if self._thread is None:
            self._thread = threading.Thread(target=self._listen, name=f"observer {self.name}", daemon=True)
            self._thread.start()

    def wait(self, state: RunState) -> None:
        """Wait until it has seen everything, if it is in step; `state` is what it goes on from where it is not."""
        if not (self.dropped or self._closing):
            with self._changed:
                if self._behind is None:
                    self._keep_step(state)
                self._check_hanging()
        self.warn()

    def close(self, deadline: float) -> None:
        """Wait until it has seen everything, or for `deadline` (by the clock that never goes back)."""
        with self._changed:
            while not self.dropped and self._pending() and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            self._check_hanging()
            if not self.dropped and (missed := sum(len(told.events) for told in self._queue)):
                self._say(f"observer {self.name} is too slow: the run ended before it was told of {missed} events")
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
            self._queue = deque(replace(told, state=self._behind) for told in self._queue)

    def _allowance(self) -> float:
        """Seconds that the search may still wait for it."""
        return self._longest + _SHARE * (time.monotonic() - self._began) - self._waited

    def _pending(self) -> bool:
        return bool(self._queue) or self._busy_since is not None

    def _check_hanging(self) -> None:
        since = self._busy_since
        # The call began a moment after the search began to wait for it.
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
                told = self._queue.popleft()
                state = told.state or self._caught_up(told)
                self._busy_since = time.monotonic()
            for event in told.events:
                if not self.dropped:
                    self.look(event, state)
                    self._busy_since = time.monotonic()
            with self._changed:
                self._busy_since = None
                self._changed.notify_all()

    def _caught_up(self, told: _Told) -> RunState:
        """The copy of the state, after these events too."""
        state = self._behind or RunState()
        for event in told.events:
            state.apply(event, told.when)
        return state
