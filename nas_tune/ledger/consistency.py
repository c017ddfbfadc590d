"""Finds events that contradict earlier ones: an event of a trial that never began, an epoch that goes back.

A driver drops repeated and late events before it writes (`Coordinator`), so contradictions are damage.
"""

from __future__ import annotations

from nas_tune.ledger.events import (
    Answered,
    Asked,
    Costed,
    Ended,
    Event,
    Found,
    Known,
    Lost,
    Noted,
    Paused,
    Promoted,
    Refused,
    Reported,
    Retried,
)

__all__ = ["Consistency"]

_RUNNING = frozenset({"running"})
_PAUSED = frozenset({"paused"})
_FAILED = frozenset({"failed"})
_WIDEST_GAP = 10_000
"""How many proposals in a row may end without a trial; the study stores each, so a greater number is damage."""


class Consistency:
    """The states of the trials after the events checked so far."""

    def __init__(self) -> None:
        self._epochs: list[int] = []
        self._states: list[str] = []
        self._asks = 0

    def contradicted(self, event: Event) -> str | None:
        """Check an event against the events before it, and take it in if it fits.

        Args:
            event: the next event.

        Returns:
            The contradiction in words; None if there is none.
        """
        # Nearly all events are reports; a match would try every kind in turn.
        if type(event) is Reported:
            return self._reported(event)
        match event:
            case Asked():
                return self._asked(event)
            case Ended():
                return self._turned(event.trial, _RUNNING | _PAUSED, event.state)
            case Paused():
                return self._turned(event.trial, _RUNNING, "paused")
            case Promoted():
                return self._turned(event.trial, _PAUSED, "running")
            case Retried():
                return self._retried(event)
            case Found() | Lost():
                return self._turned(event.trial, _RUNNING, "running")
            case Answered():
                return self._unknown(event.trial) or self._proposed(event.ask)
            case Refused() if event.ask is not None:
                return self._proposed(event.ask)
            case Costed():
                return self._unknown(event.trial)
            case Known():
                self._asks += 1
            case Noted() if event.trial >= 0:
                return self._unknown(event.trial)
        return None

    def _reported(self, event: Reported) -> str | None:
        trial, epoch, epochs = event.trial, event.epoch, self._epochs
        if trial >= len(epochs) or self._states[trial] != "running":
            return self._turned(trial, _RUNNING, "running")
        if epoch <= epochs[trial]:
            return f"trial {trial} reports epoch {epoch} after epoch {epochs[trial]}"
        epochs[trial] = epoch
        return None

    def _asked(self, event: Asked) -> str | None:
        if event.trial != len(self._states):
            return f"trial {event.trial} begins, but the next trial is {len(self._states)}"
        self._states.append("running")
        self._epochs.append(0)
        return self._proposed(event.ask)

    def _retried(self, event: Retried) -> str | None:
        problem = self._turned(event.trial, _FAILED, "running") or self._proposed(event.ask)
        if problem is None:
            self._epochs[event.trial] = 0
        return problem

    def _proposed(self, ask: int) -> str | None:
        if ask < self._asks:
            return f"proposal {ask} comes after proposal {self._asks - 1}"
        if ask > self._asks + _WIDEST_GAP:
            return f"proposal {ask} comes after {self._asks} proposals"
        self._asks = ask + 1
        return None

    def _turned(self, trial: int, before: frozenset[str], after: str) -> str | None:
        """Move a trial from one of the states `before` to the state `after`; return the problem if it is in another."""
        if trial >= len(self._states):
            return self._unknown(trial)
        if self._states[trial] not in before:
            return f"it is about trial {trial}, which is {self._states[trial]}"
        self._states[trial] = after
        return None

    def _unknown(self, trial: int) -> str | None:
        return f"it is about trial {trial}, which never began" if trial >= len(self._states) else None
