"""Stops trials that will probably not become the best, by extrapolating their learning curves.

An ensemble of decays predicts the last score of a curve (Domhan et al., IJCAI 2015; see `curves`). A Bayesian linear
regression corrects the prediction: it is fitted to the predictions for the complete trials at the same epoch and to
the last scores that these trials reached. It gives a mean and a standard deviation; a trial stops when its probability
to beat the best complete one falls below `chance`. The first `min_complete` trials train to their end, whatever their
curves.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nas_tune.errors import ConfigError
from nas_tune.schedulers.base import NeverPauses, Score, Verdict, single
from nas_tune.schedulers.curves import extrapolated

__all__ = ["LearningCurve"]

_STEEPNESS = 1.0
"""Prior standard deviation of the slope of the errors: last scores may rise with the predictions by 0 to 2 times."""


@dataclass(slots=True)
class _Curve:
    """The reports of a trial so far, and the predicted last score after each."""

    epochs: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    guesses: list[float] = field(default_factory=list)

    def add(self, epoch: int, score: float, last: int) -> None:
        self.epochs.append(epoch)
        self.scores.append(score)
        self.guesses.append(extrapolated(np.array(self.epochs, float), np.array(self.scores), last))

    def guess_at(self, epoch: int) -> float:
        """Return the prediction after the last report up to `epoch`, or after the first report if all are later."""
        return self.guesses[max(0, bisect.bisect_right(self.epochs, epoch) - 1)]


class LearningCurve(NeverPauses):
    """Stops a trial that will hardly be better than the best complete one.

    Args:
        max_epochs: length of a full training.
        grace: epochs that every trial may train before it is judged (default: 1).
        chance: a trial stops when its probability to become the best is smaller (default: 0.05).
        min_complete: how many trials must be complete before any is judged (default: 5).
    """

    def __init__(self, max_epochs: int, grace: int = 1, chance: float = 0.05, min_complete: int = 5) -> None:
        if not 1 <= grace <= max_epochs:
            raise ConfigError(f"scheduler.grace is {grace}; it lies between 1 and max_epochs = {max_epochs}")
        if not 0 < chance < 1:
            raise ConfigError(f"scheduler.chance is {chance:g}; a probability lies between 0 and 1")
        if min_complete < 3:
            raise ConfigError(f"scheduler.min_complete is {min_complete}; a spread needs at least 3 trials")
        self.max_epochs, self.grace, self.chance, self.min_complete = max_epochs, grace, chance, min_complete
        self._running: dict[int, _Curve] = {}
        self._complete: list[_Curve] = []

    def observe(self, trial: int, epoch: int, score: Score) -> Verdict:
        """Extend the trial's curve, and judge it against the complete ones."""
        curve = self._running.setdefault(trial, _Curve())
        curve.add(epoch, single(score), self.max_epochs)
        if epoch >= self.max_epochs:
            self._complete.append(self._running.pop(trial))
            return Verdict.GO_ON
        if epoch < self.grace or len(self._complete) < self.min_complete:
            return Verdict.GO_ON
        return Verdict.STOP if self.chance_to_win(trial) < self.chance else Verdict.GO_ON

    def forget(self, trial: int) -> None:
        """Drop the curve of a trial that did not reach the last epoch: it has no last score to learn from."""
        self._running.pop(trial, None)

    def chance_to_win(self, trial: int) -> float:
        """Compute the probability that a running trial will end better than the best complete one.

        Args:
            trial: the number of a running trial with a report; `min_complete` trials must be complete.

        Returns:
            The probability, 0 to 1.
        """
        curve = self._running[trial]
        guessed = np.array([other.guess_at(curve.epochs[-1]) for other in self._complete])
        ends = np.array([other.scores[-1] for other in self._complete])
        mean, deviation = corrected(curve.guesses[-1], guessed, ends)
        return 0.5 * math.erfc((float(ends.max()) - mean) / (math.sqrt(2.0) * deviation))


def corrected(guess: float, guessed: NDArray[np.float64], ends: NDArray[np.float64]) -> tuple[float, float]:
    """Correct a predicted last score by the errors of earlier predictions.

    The errors `ends - guessed` are regressed on `guessed` by Bayesian linear regression; the prior mean of the slope is
    0. The deviation is that of the predictive Student's t, with the degrees of freedom that two coefficients leave.

    Args:
        guess: the prediction to correct.
        guessed: earlier predictions, one for each complete trial; shape (n,), n at least 3.
        ends: the last scores of these trials; shape (n,).

    Returns:
        Mean and standard deviation of the last score.
    """
    count = len(ends)
    centre, errors = float(guessed.mean()), ends - guessed
    places, here = guessed - centre, guess - centre
    information = float(places @ places) + float(errors.var()) / _STEEPNESS**2 + 1e-30
    slope, offset = float(places @ errors) / information, float(errors.mean())
    residuals = errors - offset - slope * places
    variance = float(residuals @ residuals) / (count - 2) * (1.0 + 1.0 / count + here**2 / information)
    tails = count / max(1, count - 2)
    return guess + offset + slope * here, math.sqrt(variance * tails) + 1e-12
