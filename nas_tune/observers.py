"""Those who watch a run: told of every event after it was written, unable to harm the run.

This is a callback boundary: an observer that raises is warned about, and left out after three times.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Protocol

from nas_tune.ledger import Event, RunState

__all__ = ["Audience", "Observer"]

_PATIENCE = 3


class Observer(Protocol):
    """Sees each event with the state of the run after it; must not keep the search waiting."""

    def on_event(self, event: Event, state: RunState) -> None:
        """Look at what has just happened; `state` is live: read it, do not change it."""


class Audience:
    """The observers of one run."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._errors = dict.fromkeys(observers, 0)

    def on_event(self, event: Event, state: RunState) -> None:
        """Tell every observer that still listens."""
        for observer in list(self._errors):
            try:
                observer.on_event(event, state)
            except Exception as error:  # noqa: BLE001
                self._failed(observer, error)

    def _failed(self, observer: Observer, error: Exception) -> None:
        self._errors[observer] += 1
        if self._errors[observer] == 1:
            warnings.warn(f"observer {type(observer).__name__} raised {error!r}; the run goes on", stacklevel=2)
        if self._errors[observer] >= _PATIENCE:
            warnings.warn(
                f"observer {type(observer).__name__} raised {_PATIENCE} times and is left out from now on",
                stacklevel=2,
            )
            del self._errors[observer]
