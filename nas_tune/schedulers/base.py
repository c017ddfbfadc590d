"""The port of a scheduler: told of every report in the ledger's order, it says which trial goes on.

A scheduler is a deterministic fold of reports and promotions: no clock, no random numbers, no look at trials that
it was not told of. That is what makes a replay of the ledger restore it exactly. Scores are "greater is better";
the coordinator turns the sign where a metric is minimized. Of several objectives a score is a tuple, one number
each; a scheduler that can handle that says so by `nas_tune.objectives.objective.several_objectives`.

A trial that is paused gives its worker back and keeps its checkpoint. Whenever a worker is free, `next_promotion`
is asked first, and only if no paused trial is worth it does the strategy propose a new one.
"""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from nas_tune.errors import ConfigError

__all__ = ["NeverPauses", "Scheduler", "Score", "Verdict", "judged", "single"]

Score = float | tuple[float, ...]
"""Greater is better: one number, or of several objectives one each."""


def single(score: Score) -> float:
    """The score of the only objective, for a scheduler that handles no more.

    Raises:
        ConfigError: there are several.
    """
    if isinstance(score, tuple):
        raise ConfigError(f"the scheduler judges one objective and was told of {len(score)}; take asha or hyperband")
    return score


class Verdict(Enum):
    """What becomes of a trial after a report."""

    GO_ON = "go_on"
    STOP = "stop"
    PAUSE = "pause"


class Scheduler(Protocol):
    """Decides after each epoch whether a trial is worth its next one."""

    @property
    def pauses(self) -> bool:
        """Whether it ever answers `PAUSE`: then more may come of running trials, though no new one is asked for."""

    def observe(self, trial: int, epoch: int, score: Score) -> Verdict:
        """Take in a report (a finite score; epochs count from 1) and judge the trial.

        A trial that is to pause waits from then on, until it is promoted or forgotten.
        """

    def next_promotion(self) -> int | None:
        """The paused trial to go on with now, None if there is none; the same answer until something happens."""

    def promoted(self, trial: int) -> None:
        """The paused trial goes on."""

    def forget(self, trial: int) -> None:
        """The trial is over, for whatever reason; nothing more will come of it."""


class NeverPauses:
    """What a scheduler that only stops has in common with every other."""

    pauses = False

    def next_promotion(self) -> int | None:
        """Nothing waits."""
        return None

    def promoted(self, trial: int) -> None:
        """Nothing waits."""


def judged(scheduler: Scheduler, trial: int, epoch: int, score: Score) -> Verdict:
    """Take in a report; a trial does not pause if the worker that this sets free would come back for it at once."""
    verdict = scheduler.observe(trial, epoch, score)
    if verdict is Verdict.PAUSE and scheduler.next_promotion() == trial:
        scheduler.promoted(trial)
        return Verdict.GO_ON
    return verdict
