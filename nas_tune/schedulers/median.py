"""The median stopping rule (Golovin et al., Google Vizier, KDD 2017, section 3.2.2).

A trial stops at an epoch if its best score so far is below the median of the running means that the other trials
had at that same epoch.
"""

from __future__ import annotations

from statistics import median

from nas_tune.errors import ConfigError
from nas_tune.schedulers.base import NeverPauses, Score, Verdict, single

__all__ = ["Median"]


class Median(NeverPauses):
    """Stops a trial whose best score is below the median of the other trials.

    Args:
        max_epochs: length of a full training; the last epoch is never judged.
        grace: epochs that every trial may train before it is judged (default: 1).
        min_trials: how many others must have reached an epoch before anything is judged there (default: 3).
    """

    def __init__(self, max_epochs: int, grace: int = 1, min_trials: int = 3) -> None:
        if not 1 <= grace <= max_epochs:
            raise ConfigError(f"scheduler.grace is {grace}; it lies between 1 and max_epochs = {max_epochs}")
        if min_trials < 1:
            raise ConfigError(f"scheduler.min_trials is {min_trials}; the median needs at least 1 other trial")
        self.max_epochs, self.grace, self.min_trials = max_epochs, grace, min_trials
        self._history: dict[int, tuple[float, int, float]] = {}
        self._means: dict[int, dict[int, float]] = {}

    def observe(self, trial: int, epoch: int, score: Score) -> Verdict:
        """Compare the trial's best score with the running means of the other trials at this epoch."""
        score = single(score)
        total, count, best = self._history.get(trial, (0.0, 0, score))
        total, count, best = total + score, count + 1, max(best, score)
        self._history[trial] = (total, count, best)
        means = self._means.setdefault(epoch, {})
        others = list(means.values())
        means[trial] = total / count
        if epoch < self.grace or epoch >= self.max_epochs or len(others) < self.min_trials:
            return Verdict.GO_ON
        return Verdict.STOP if best < median(others) else Verdict.GO_ON

    def forget(self, trial: int) -> None:
        """Keep the trial's running means, since later trials are compared with them."""
        self._history.pop(trial, None)
