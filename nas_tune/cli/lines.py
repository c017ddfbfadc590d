"""The progress of a search as plain lines, for logs and pipes: a line for each trial that ends, at most two a second.

A separate thread writes the lines, so that a reader who stops reading does not stop the search.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from queue import Full, Queue
from threading import Thread
from types import TracebackType
from typing import Self

from rich.console import Console

from nas_tune.cli.pace import Pace
from nas_tune.cli.text import duration, measured, plain, results_of, shortened, with_units
from nas_tune.cli.units import no_unit
from nas_tune.config import SearchConfig
from nas_tune.ledger import Ended, Event, Lost, Noted, RunState, TrialRecord

__all__ = ["LineProgress"]

_WAITING_LINES = 1000
_PATIENCE = 2.0
_LONGEST = 300
_LOUD_FAILURES = 10


class LineProgress:
    """An observer that writes lines to a console. As a context manager it writes the last line at its end.

    The attribute `notes` has the notes that were written in full, as (trial, text), so that the summary omits them.

    Args:
        console: the console.
        config: the configuration in force in this session.
        interval: seconds between two lines about trials, and between two notes.
        clock: a monotonic clock, in seconds.
        unit: returns the unit of a metric by its name.
    """

    def __init__(
        self,
        console: Console,
        config: SearchConfig,
        interval: float = 0.5,
        clock: Callable[[], float] = time.monotonic,
        unit: Callable[[str], str] = no_unit,
    ) -> None:
        self._console, self._interval, self._clock, self._unit = console, interval, clock, unit
        self.notes: set[tuple[int, str]] = set()
        self._pace = Pace(config, clock)
        self._said = {"trial": -interval, "note": -interval}
        self._unsaid: TrialRecord | None = None
        self._queue: Queue[str | None] = Queue(_WAITING_LINES)
        self._thread = Thread(target=self._write, name="nas-tune-lines", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._unsaid is not None:
            self._say(self._line(self._unsaid))
        self._put(None)
        self._thread.join(_PATIENCE)

    def on_event(self, event: Event, state: RunState) -> None:
        """Write a line about the event, unless another line was written just before.

        Args:
            event: the event.
            state: the state of the run after the event.
        """
        self._pace.take(event, state)
        match event:
            case Ended():
                self._ended(state.trials[event.trial])
            case Noted() if self._may("note"):
                whose = f"trial {event.trial}: " if event.trial >= 0 else ""
                line = f"note: {whose}{with_units(event.text, self._unit)}"
                self._say(line)
                if len(plain(line)) <= _LONGEST:
                    self.notes.add((event.trial, event.text))
            case Lost(worker=True) if self._may("note"):
                self._say(f"note: trial {event.trial} lost its worker and goes on: {event.reason}")

    def _ended(self, trial: TrialRecord) -> None:
        self._unsaid = trial
        # The first failures are printed even if the last line is recent.
        loud = trial.state == "failed" and self._pace.state.counts["failed"] <= _LOUD_FAILURES
        if self._may("trial") or loud:
            self._say(self._line(trial))
            self._unsaid = None

    def _line(self, trial: TrialRecord) -> str:
        pace, total = self._pace, self._pace.config.max_trials
        done = f"{pace.over}/{total}" if total else f"{pace.over}"
        unit = self._unit(pace.config.objectives[0].metric)
        best = f", best {measured(pace.best.value, unit)}" if pace.best else ""
        if len(pace.config.objectives) > 1:
            best += f", front {pace.on_front}"
        if pace.refused:
            best += f", {pace.refused:,} refused"
        number = str(trial.number).rjust(len(str(total - 1)) if total else 1)
        return f"trial {number} {self._fate(trial)}  ({done}{best}, eta {duration(pace.left)})"

    def _fate(self, trial: TrialRecord) -> str:
        if trial.state == "failed":
            return f"failed: {trial.failure}: {shortened(plain(trial.message), 120)}"
        epochs = f"{trial.epochs} epoch{'s' if trial.epochs != 1 else ' '}"
        return f"{trial.state:<8}  {results_of(trial, self._pace.config.objectives, self._unit)}  {epochs}"

    def _may(self, what: str) -> bool:
        now = self._clock()
        if now - self._said[what] < self._interval:
            return False
        self._said[what] = now
        return True

    def _say(self, line: str) -> None:
        self._put(shortened(plain(line), _LONGEST))

    def _put(self, line: str | None) -> None:
        # The queue is full when nobody has read for minutes: the line is lost, and the search goes on.
        with suppress(Full):
            self._queue.put_nowait(line)

    def _write(self) -> None:
        # OSError and ValueError: the stream was closed, so nobody reads the lines.
        with suppress(OSError, ValueError):
            for line in iter(self._queue.get, None):
                self._console.print(line)
