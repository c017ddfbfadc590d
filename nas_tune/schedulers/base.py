"""The port of a scheduler: told of every report in the ledger's order, it says which trial stops.

A scheduler is a deterministic fold of reports: no clock, no random numbers, no look at trials that it was not
told of. That is what makes a replay of the ledger restore it exactly. Scores are "greater is better"; the
coordinator turns the sign where a metric is minimized.
"""

from __future__ import annotations

from typing import Protocol

__all__ = ["Scheduler"]


class Scheduler(Protocol):
    """Decides after each epoch whether a trial is worth its next one."""

    def observe(self, trial: int, epoch: int, score: float) -> bool:
        """Take in a report (a finite score; epochs count from 1); True stops the trial here."""

    def forget(self, trial: int) -> None:
        """The trial is over, for whatever reason; nothing more will come of it."""
