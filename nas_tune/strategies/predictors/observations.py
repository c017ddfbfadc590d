"""The observations of a model: one score for each architecture of a study, and its noise.

The score of a stopped trial is extrapolated by regression: its distance from the mean of the trials that reported at
its last epoch is carried over to the later epochs of those that went on. Scores are thus compared at equal epochs only.
An extrapolated score counts as noisier than that of a complete trial.

Several objectives become one score as in ParEGO (Knowles 2006): each is scaled to its observed range, and the augmented
Chebyshev function combines them, with new weights at every proposal.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from nas_tune.strategies.history import History
from nas_tune.strategies.predictors.features import Numbers
from nas_tune.strategies.study_memory import last_epoch, reported
from search_spaces import Architecture, Space

__all__ = ["Observations", "scalarized", "winsorized"]

_STOPPED_NOISE = 5.0
_FENCE = 3.0
_PARTS = 10
_AUGMENTED = 0.05


@dataclass(frozen=True)
class Observations:
    """The observations before a proposal.

    Attributes:
        architectures: those of the finished trials, each id once, by number.
        scores: greater is better; with several objectives combined by the weights of this proposal; shape (n,).
        noise_factors: the noise of each score relative to that of a complete trial; shape (n,).
        pending: the architectures of running trials.
        taken: the ids of all architectures that were ever proposed.
    """

    architectures: list[Architecture]
    scores: Numbers
    noise_factors: Numbers
    pending: list[Architecture]
    taken: frozenset[str]

    @classmethod
    def of(cls, study: Study, space: Space, number: int, rng: random.Random) -> Observations:
        """Read the observations of a study.

        Args:
            study: the study.
            space: the space of the architectures.
            number: the number of the proposed trial; only trials below it are read.
            rng: draws the weights of several objectives.

        Returns:
            The observations.
        """
        history = History.of(study, space, number)
        ended = history.ended()
        columns = []
        for objective, sign in enumerate(history.signs):
            carried = _Carried(ended, sign, objective)
            columns.append([carried.of(trial) for trial in ended])
        scores = [score for score, _ in columns[0]]
        if len(columns) > 1:
            scores = scalarized(np.array([[score for score, _ in column] for column in columns]).T, rng).tolist()
        known: dict[str, tuple[Architecture, float, float]] = {}
        for trial, score, (_, noise) in zip(ended, scores, columns[0], strict=True):
            made = history.architecture(trial.number)
            known.setdefault(made.id, (made, score, noise))
        found = list(known.values())
        return cls(
            [architecture for architecture, _, _ in found],
            np.array([score for _, score, _ in found]),
            np.array([noise for _, _, noise in found]),
            [one for one in history.running() if one.id not in known],
            frozenset(history.ids),
        )

    def best(self, count: int) -> list[Architecture]:
        """Select the best architectures.

        Args:
            count: how many.

        Returns:
            The best first; of equals the older one first.
        """
        order = np.argsort(-self.scores, kind="stable")[:count]
        return [self.architectures[index] for index in order]

    def settled(self, count: int) -> list[int]:
        """Select those of the first `count` observations whose scores are final: the complete ones, if they are most.

        The score of a stopped trial is extrapolated again after every trial that ends.

        Args:
            count: how many of the first observations to consider.

        Returns:
            Places in `scores`, ascending; all of the first `count` if most of them were stopped.
        """
        complete = np.flatnonzero(self.noise_factors[:count] <= 1.0).tolist()
        return complete if 2 * len(complete) > count else list(range(count))

    def training_set(self, count: int) -> list[int]:
        """Select observations for a model: the best ones as half of them, the others spread evenly over the rest.

        Args:
            count: how many at most.

        Returns:
            Places in `scores`, ascending.
        """
        if len(self.scores) <= count:
            return list(range(len(self.scores)))
        order = np.argsort(-self.scores, kind="stable")
        rest = np.sort(order[count // 2 :])
        spread = rest[np.linspace(0, len(rest) - 1, count - count // 2).round().astype(int)]
        return sorted({*order[: count // 2].tolist(), *spread.tolist()})


class _Carried:
    """Extrapolates the scores of stopped trials in one objective, from each stopping epoch to the next."""

    def __init__(self, ended: Sequence[FrozenTrial], sign: float, objective: int) -> None:
        self._sign, self._objective = sign, objective
        self._complete = any(t.state == TrialState.COMPLETE for t in ended)
        stopped = [last_epoch(trial) for trial in ended if trial.state == TrialState.PRUNED]
        stops = {last for last in stopped if last is not None}
        self._steps = {epoch: _step(ended, epoch, objective) for epoch in sorted(stops)} if len(ended) > 1 else {}
        self._ahead = sorted(self._steps)

    def of(self, trial: FrozenTrial) -> tuple[float, float]:
        """Return the score of a trial, greater is better, and its noise factor."""
        value = float(trial.values[self._objective])
        if trial.state == TrialState.COMPLETE:
            return self._sign * value, 1.0
        last = last_epoch(trial) or 0
        for epoch in self._ahead:
            if epoch >= last:
                here, there, slope = self._steps[epoch]
                value = there + slope * (value - here)
        return self._sign * value, _STOPPED_NOISE if self._complete else 1.0


def _step(ended: Sequence[FrozenTrial], epoch: int, objective: int) -> tuple[float, float, float]:
    """Fit the trials that went on from `epoch` to the next stopping epoch: their means at both, and the slope."""
    later = []
    for last in map(last_epoch, ended):
        if last is not None and last > epoch:
            later.append(last)
    if not later:
        return 0.0, 0.0, 1.0
    after = min(later)
    pairs: list[tuple[float, float]] = []
    for trial in ended:
        here, there = reported(trial, epoch, objective), reported(trial, after, objective)
        if here is not None and there is not None:
            pairs.append((here, there))
    if not pairs:
        return 0.0, 0.0, 1.0
    before, then = np.array(pairs).T
    spread = float(before.var()) * len(pairs)
    # A prior that equals two more trials of slope 1 and the same spread, since few trials determine a slope badly.
    pull = 2.0 * float(before.var()) + 1e-12
    covariance = float(((before - before.mean()) * (then - then.mean())).sum())
    slope = min(max((covariance + pull) / (spread + pull), 0.2), 2.0)
    return float(before.mean()), float(then.mean()), slope


def scalarized(scores: Numbers, rng: random.Random) -> Numbers:
    """Combine the objectives of every row by ParEGO's augmented Chebyshev function.

    The weights are drawn uniformly among those that are tenths and sum up to 1.

    Args:
        scores: greater is better; shape (n, objectives).
        rng: draws the weights.

    Returns:
        One score for each row, greater is better; shape (n,).
    """
    if not len(scores):
        return np.zeros(0)
    objectives = scores.shape[1]
    bars = sorted(rng.sample(range(_PARTS + objectives - 1), objectives - 1))
    weights = np.diff([-1, *bars, _PARTS + objectives - 1]) - 1
    least, most = scores.min(axis=0), scores.max(axis=0)
    losses = (most - scores) / np.where(most > least, most - least, 1.0) * (weights / _PARTS)
    total: Numbers = -(losses.max(axis=1) + _AUGMENTED * losses.sum(axis=1))
    return total


def winsorized(scores: Numbers) -> Numbers:
    """Raise low outliers to a lower bound, so that a model resolves the differences among good scores.

    Args:
        scores: greater is better; shape (n,).

    Returns:
        The scores, at least the median less three times the distance from the median to the upper quartile.
    """
    if len(scores) < 3:
        return scores
    middle, upper = np.quantile(scores, (0.5, 0.75))
    width = float(upper - middle) or float(scores.std())
    return np.maximum(scores, float(middle) - _FENCE * width)
