"""The read-only ledger: its events are folded into a state once, then only new ones, while the driver may write.

A reader never writes, and the driver does not wait for it: a read lasts only until the new events are fetched.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nas_tune.ledger import Ledger, Refused, RunState, damaged, ledger_path
from nas_tune.ledger.meta import REQUIRED
from nas_tune.ledger.replay import folding
from trainables.costs.quantities import QUANTITIES

__all__ = ["LedgerReader", "RunSnapshot"]

_STATES = ("running", "paused", "lost", "complete", "pruned", "failed")


@dataclass(frozen=True, slots=True)
class RunSnapshot:
    """A run at one moment.

    Attributes:
        time: when it was read (UTC).
        last_event: when the ledger was last written (UTC); long ago, with trials running: a dead driver.
        counts: trials by state: running, paused, lost, complete, pruned, failed.
        running: the numbers of the trials that are neither over nor paused.
        refused: the architectures that limits refused before a trial, by rung and quantity.
        audited, wrongly_refused: architectures that a prediction refused and that were measured, and those of them
            within the limit.
        asked, answered: proposals of the strategy, and those of them answered from the ledger as duplicates.
        sessions: how often a driver opened the run.
        seconds: wall time of all sessions together.
        notes: (trial, text), for people; trial is -1 where it concerns the run.
        finished: why the last session ended (done, exhausted, time, interrupted, failed); None while it runs,
            or if it was killed.
    """

    time: datetime
    last_event: datetime | None
    counts: Mapping[str, int]
    running: tuple[int, ...]
    refused: Mapping[tuple[str, str], int]
    audited: int
    wrongly_refused: int
    asked: int
    answered: int
    sessions: int
    seconds: float
    notes: tuple[tuple[int, str], ...]
    finished: str | None

    @property
    def trials(self) -> int:
        """The number of trials, in any state."""
        return sum(self.counts.values())


@dataclass(slots=True)
class _Reading:
    """One ledger file, and how many of its events were read; `last` is the time of the last event."""

    ledger: Ledger
    file: tuple[int, int] | None
    meta: Mapping[str, Any]
    number: int
    state: RunState = field(default_factory=RunState)
    seen: int = 0
    last: float = 0.0


class LedgerReader:
    """Folds the events of a run into a `RunState`, as far as they are written.

    Args:
        folder: of the run.

    Raises:
        LedgerDamagedError, NewerFormatError: the ledger cannot be read; also later, when the file was replaced.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.RLock()
        self._now = self._open(number=0)

    @contextmanager
    def current(self) -> Iterator[RunState]:
        """Lock the state for the length of the block, after the last event in the ledger is read.

        Yields:
            The live state: read it within the block, and do not change it.
        """
        with self._lock:
            self._refresh()
            yield self._now.state

    @property
    def meta(self) -> Mapping[str, Any]:
        """What the driver wrote at the start of the run."""
        return self._now.meta

    @property
    def version(self) -> tuple[int, int]:
        """(how often the ledger file was replaced, events read); it changes whenever the state changes."""
        return self._now.number, self._now.seen

    def snapshot(self) -> RunSnapshot:
        """Summarize the present run in numbers.

        Returns:
            A copy, which stays as it is.
        """
        with self.current() as state:
            counts = dict.fromkeys(_STATES, 0) | state.counts
            for trial in state.unfinished.values():
                counts[trial.state] += 1
            return RunSnapshot(
                time=_utc(time.time()),
                last_event=_utc(self._now.last) if self._now.seen else None,
                counts=counts,
                running=tuple(sorted(state.unfinished.keys() - state.paused.keys())),
                refused=dict(state.refusals),
                audited=len(state.audits),
                wrongly_refused=sum(_is_allowed(refused, value) for refused, value in state.audits),
                asked=state.asks - len(state.known),
                answered=state.answered,
                sessions=state.sessions,
                seconds=state.active_seconds,
                notes=tuple(state.notes),
                finished=state.end_reason,
            )

    def _refresh(self) -> None:
        if self._now.file != _file(self.folder):
            # The file was replaced, as by its backup: what was read before is void.
            before, self._now = self._now, self._open(self._now.number + 1)
            before.ledger.close()
        now = self._now
        with folding():
            for event, when in now.ledger.events(after=now.seen):
                now.state.apply(event, when)
                now.last = when
                now.seen += 1

    def _open(self, number: int) -> _Reading:
        file = _file(self.folder)
        ledger = Ledger.open(self.folder, readonly=True)
        weakref.finalize(self, ledger.close)
        if missing := [key for key in REQUIRED if key not in ledger.meta]:
            raise damaged(self.folder, f"meta: it does not say its {', '.join(missing)}")
        return _Reading(ledger, file, ledger.meta, number)


def _file(folder: Path) -> tuple[int, int] | None:
    """The device and inode of the ledger file; None without a file, which raises an error when it is opened."""
    try:
        found = os.stat(ledger_path(folder))
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _is_allowed(refused: Refused, value: float) -> bool:
    """Whether a measured value keeps the limit by which its prediction was refused."""
    quantity = QUANTITIES.get(refused.quantity)
    if quantity is None or refused.bound is None:
        return False
    return value <= refused.bound if quantity.metric.mode == "min" else value >= refused.bound


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
