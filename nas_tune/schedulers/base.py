"""The port of a scheduler: it receives every report in the ledger's order, and decides which trials go on.

A scheduler is a deterministic fold of reports and promotions: it reads no clock, draws no random numbers, and looks at
no trial but those of which it received reports. A replay of the ledger therefore restores it exactly. Scores are
"greater is better"; the coordinator turns the sign of a metric that is minimized. With several objectives a score is a
tuple of one number each; the decorator `nas_tune.objectives.objective.several_objectives` marks the schedulers that
handle such scores.

A paused trial gives its worker back and keeps its checkpoint. When a worker is free, the coordinator first calls
`next_promotion`; the strategy proposes a new trial only if no paused trial is to be promoted.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from nas_tune.errors import ConfigError

__all__ = ["NeverPauses", "Scheduler", "Score", "Verdict", "single", "verdict_of"]

Score = float | tuple[float, ...]
"""Greater is better: one number, or a tuple of one number for each of several objectives."""


def single(score: Score) -> float:
    """Return the score of the only objective, for a scheduler that handles one objective.

    Args:
        score: what the scheduler received.

    Returns:
        The score as one number.

    Raises:
        ConfigError: the score has several objectives.
    """
    if isinstance(score, tuple):
        raise ConfigError(
            f"the scheduler compares trials by one objective, and the run has {len(score)}; take asha or hyperband"
        )
    return score


class Verdict(Enum):
    """The decision on a trial after a report."""

    GO_ON = "go_on"
    STOP = "stop"
    PAUSE = "pause"


class Scheduler(Protocol):
    """Decides after each epoch whether a trial trains for another."""

    @property
    def pauses(self) -> bool:
        """Whether it ever answers `PAUSE`: then more may come of running trials, though no new one is asked for."""

    def observe(self, trial: int, epoch: int, score: Score) -> Verdict:
        """Take in a report and judge the trial.

        A trial that is to pause waits from then on, until it is promoted or forgotten.

        Args:
            trial: the number of the trial.
            epoch: the epoch that ended, from 1; it rises from report to report of a trial.
            score: the score at that epoch; finite, greater is better.

        Returns:
            Whether the trial goes on, stops or pauses.
        """

    def next_promotion(self) -> int | None:
        """Choose the paused trial to promote now; the choice stays the same until the next call of another method.

        Returns:
            The number of the trial; None if no paused trial is to be promoted.
        """

    def promoted(self, trial: int) -> None:
        """Take in that a paused trial goes on.

        Args:
            trial: the number of the trial.
        """

    def forget(self, trial: int) -> None:
        """Take in that a trial is over, for whatever reason; no report of it follows.

        Args:
            trial: the number of the trial.
        """


class NeverPauses:
    """Base class of the schedulers that stop trials but never pause them."""

    pauses = False

    def next_promotion(self) -> int | None:
        """No trial is paused, so none is promoted."""
        return None

    def promoted(self, trial: int) -> None:
        """No trial is paused, so there is nothing to do."""


def verdict_of(scheduler: Scheduler, trial: int, epoch: int, score: Score) -> Verdict:
    """Take in a report; let the trial go on if it would pause and be promoted again at once.

    Args:
        scheduler: the scheduler that judges.
        trial: the number of the trial.
        epoch: the epoch that ended, from 1.
        score: the score at that epoch; greater is better.

    Returns:
        The verdict: `PAUSE` only if the scheduler would next promote another trial or none.
    """
    verdict = scheduler.observe(trial, epoch, score)
    if verdict is Verdict.PAUSE and scheduler.next_promotion() == trial:
        scheduler.promoted(trial)
        return Verdict.GO_ON
    return verdict
