"""Times of a run as seconds since it began, without the breaks between its sessions."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from contextlib import closing
from itertools import accumulate

import pandas as pd

from nas_tune.ledger import Ledger
from nas_tune.ledger.events import SessionStarted
from nas_tune.results import Run

__all__ = ["Elapsed", "session_starts"]


class Elapsed:
    """A clock of the run, on which every session begins where the one before ended.

    Args:
        starts: when the sessions began, in seconds since 1970.
        moments: all other known times, in seconds since 1970; a break begins at the last one before a start.
    """

    def __init__(self, starts: Sequence[float], moments: Iterable[float]) -> None:
        known = sorted(moments)
        self._zero = min([*starts[:1], *known[:1]], default=0.0)
        breaks: list[tuple[float, float]] = []
        for start in sorted(starts)[1:]:
            before = bisect_right(known, start) - 1
            if before >= 0:
                breaks.append((start, start - known[before]))
        self._ends = [end for end, _ in breaks]
        self._lost = [0.0, *accumulate(length for _, length in breaks)]

    def at(self, moment: float) -> float:
        """Convert a time to seconds of the run.

        Args:
            moment: the time, in seconds since 1970.

        Returns:
            Seconds since the run began, without breaks; at least 0.
        """
        return max(0.0, moment - self._zero - self._lost[bisect_right(self._ends, moment)])

    def column(self, times: pd.Series[pd.Timestamp]) -> list[float | None]:
        """Convert a column of times to seconds of the run.

        Args:
            times: the times (n,).

        Returns:
            Seconds rounded to milliseconds (n,); None for a missing time.
        """
        return [None if pd.isna(time) else round(self.at(time.timestamp()), 3) for time in times]


def session_starts(run: Run) -> list[float]:
    """Read when the sessions of a run began.

    Args:
        run: the run.

    Returns:
        The starts, in seconds since 1970.
    """
    with closing(Ledger.open(run.path, readonly=True)) as ledger:
        return [when for _, when in ledger.events(kind=SessionStarted.kind)]
