"""Those who watch a run: told of every event after it was written, unable to harm the run.

This is a callback boundary: an observer that raises, or that keeps the search waiting for more than five seconds,
is warned about, and left out after three times.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable
from typing import Protocol

from nas_tune.ledger import Event, RunState

__all__ = ["Audience", "Observer"]

_PATIENCE = 3
_SECONDS = 5.0


class Observer(Protocol):
    """Sees each event with the state of the run after it; must not keep the search waiting."""

    def on_event(self, event: Event, state: RunState) -> None:
        """Look at what has just happened; `state` is live: read it, do not change it."""


class Audience:
    """The observers of one run."""

    def __init__(self, observers: Iterable[Observer], clock: Callable[[], float] = time.monotonic) -> None:
        self._listening = list(observers)
        self._faults = [0] * len(self._listening)
        self._clock = clock

    def on_event(self, event: Event, state: RunState) -> None:
        """Tell every observer that still listens."""
        for number, observer in enumerate(self._listening):
            if self._faults[number] >= _PATIENCE:
                continue
            started = self._clock()
            try:
                observer.on_event(event, state)
            except Exception as error:  # noqa: BLE001
                self._failed(number, f"raised {error!r}")
            else:
                if (taken := self._clock() - started) > _SECONDS:
                    self._failed(number, f"kept the search waiting for {taken:.1f} seconds")

    def _failed(self, number: int, what: str) -> None:
        self._faults[number] += 1
        name = type(self._listening[number]).__name__
        if self._faults[number] == 1:
            warnings.warn(f"observer {name} {what}; the run goes on", stacklevel=3)
        if self._faults[number] == _PATIENCE:
            warnings.warn(f"observer {name} {what}; it is left out from now on, after {_PATIENCE} times", stacklevel=3)
