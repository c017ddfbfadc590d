"""Stops what will probably not win: each curve is extrapolated, with the error that earlier extrapolations had.

The end of a curve is first guessed by an ensemble of decays (Domhan et al., IJCAI 2015; see `curves`), and the guess
is then corrected by a Bayesian line through what was guessed of the complete trials at the same epoch and what they
came to. That gives a mean and a spread; a trial stops when the chance to beat the best complete one falls below
`chance`. So the first `min_complete` trials train to their end, whatever their curves.
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
"""Standard deviation of the belief how far the ends are from rising as the guesses do: not at all to twice as much."""


@dataclass(slots=True)
class _Curve:
    """A trial's reports so far, and what was guessed of its end after each."""

    epochs: list[int] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    guesses: list[float] = field(default_factory=list)

    def add(self, epoch: int, score: float, last: int) -> None:
        self.epochs.append(epoch)
        self.scores.append(score)
        self.guesses.append(extrapolated(np.array(self.epochs, float), np.array(self.scores), last))

    def guess_at(self, epoch: int) -> float:
        """After the last report that is not later than `epoch`; else after the first."""
        return self.guesses[max(0, bisect.bisect_right(self.epochs, epoch) - 1)]


class LearningCurve(NeverPauses):
    """Stops a trial that will hardly be better than the best complete one.

    Args:
        max_epochs: length of a full training.
        grace: epochs that every trial may train before it is judged (default: 1).
        chance: a trial stops when the probability that it will win is smaller (default: 0.05).
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
        """A curve that was cut teaches nothing about its end."""
        self._running.pop(trial, None)

    def chance_to_win(self, trial: int) -> float:
        """That the running trial will end better than the best complete one, once there are some."""
        curve = self._running[trial]
        guessed = np.array([other.guess_at(curve.epochs[-1]) for other in self._complete])
        ends = np.array([other.scores[-1] for other in self._complete])
        mean, deviation = corrected(curve.guesses[-1], guessed, ends)
        return 0.5 * math.erfc((float(ends.max()) - mean) / (math.sqrt(2.0) * deviation))


def corrected(guess: float, guessed: NDArray[np.float64], ends: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation of the end of a curve, from earlier guesses and what they came to.

    Bayesian linear regression of `ends - guessed` on `guessed`, whose slope is thought to be near 0 beforehand; the
    deviation is that of the predictive Student's t, with the degrees of freedom that two coefficients leave.
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
