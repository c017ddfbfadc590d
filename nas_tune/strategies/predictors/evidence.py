"""What the trials of a study say, as a model wants it: one score an architecture, and how far to trust it.

A stopped trial counts with the score that it would have come to if it had kept its place: its distance from the
mean of those that reported at its last epoch is carried over to the end of those that went on. That is compared
at equal epochs only, and trusted less than a complete one.

Several objectives become one score as in ParEGO (Knowles 2006): each is scaled to the range that was seen, and the
augmented Chebyshev function weighs them, with other weights at every proposal.
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

__all__ = ["Evidence", "fenced", "weighed"]

_DOUBT = 5.0
_FENCE = 3.0
_PARTS = 10
_AUGMENTED = 0.05


@dataclass(frozen=True)
class Evidence:
    """What is known before a proposal.

    Attributes:
        architectures: of the finished trials, each id once, by number.
        scores: theirs, greater is better; of several objectives as this proposal weighs them.
        doubt: how much noisier each score is than that of a complete trial.
        pending: what runs now.
        taken: the ids of everything that was ever proposed.
    """

    architectures: list[Architecture]
    scores: Numbers
    doubt: Numbers
    pending: list[Architecture]
    taken: frozenset[str]

    @classmethod
    def of(cls, study: Study, space: Space, number: int, rng: random.Random) -> Evidence:
        """The evidence of the study's trials below `number`; weights of several objectives are drawn from `rng`."""
        history = History.of(study, space, number)
        ended = history.ended()
        columns = []
        for objective, sign in enumerate(history.signs):
            carried = _Carried(ended, sign, objective)
            columns.append([carried.of(trial) for trial in ended])
        scores = [score for score, _ in columns[0]]
        if len(columns) > 1:
            scores = weighed(np.array([[score for score, _ in column] for column in columns]).T, rng).tolist()
        known: dict[str, tuple[Architecture, float, float]] = {}
        for trial, score, (_, doubt) in zip(ended, scores, columns[0], strict=True):
            made = history.architecture(trial.number)
            known.setdefault(made.id, (made, score, doubt))
        found = list(known.values())
        return cls(
            [architecture for architecture, _, _ in found],
            np.array([score for _, score, _ in found]),
            np.array([doubt for _, _, doubt in found]),
            [one for one in history.running() if one.id not in known],
            frozenset(history.ids),
        )

    def best(self, count: int) -> list[Architecture]:
        """The best architectures, the best first; of equals the older one."""
        order = np.argsort(-self.scores, kind="stable")[:count]
        return [self.architectures[index] for index in order]

    def steady(self, count: int) -> list[int]:
        """The places of the first `count` trials whose scores stay as they are: the complete ones, if they are most.

        What a stopped trial would have come to is guessed anew with every trial that ends.
        """
        complete = np.flatnonzero(self.doubt[:count] <= 1.0).tolist()
        return complete if 2 * len(complete) > count else list(range(count))

    def weightiest(self, count: int) -> list[int]:
        """The places of at most `count` trials to learn from: the better half of them, and the others evenly."""
        if len(self.scores) <= count:
            return list(range(len(self.scores)))
        order = np.argsort(-self.scores, kind="stable")
        rest = np.sort(order[count // 2 :])
        spread = rest[np.linspace(0, len(rest) - 1, count - count // 2).round().astype(int)]
        return sorted({*order[: count // 2].tolist(), *spread.tolist()})


class _Carried:
    """Carries the scores of stopped trials in one objective to the end, from epoch to epoch."""

    def __init__(self, ended: Sequence[FrozenTrial], sign: float, objective: int) -> None:
        self._sign, self._objective = sign, objective
        self._complete = any(t.state == TrialState.COMPLETE for t in ended)
        stops = {last for t in ended if t.state == TrialState.PRUNED and (last := last_epoch(t)) is not None}
        self._steps = {epoch: _step(ended, epoch, objective) for epoch in sorted(stops)} if len(ended) > 1 else {}
        self._ahead = sorted(self._steps)

    def of(self, trial: FrozenTrial) -> tuple[float, float]:
        """The score, and its doubt."""
        value = float(trial.values[self._objective])
        if trial.state == TrialState.COMPLETE:
            return self._sign * value, 1.0
        last = last_epoch(trial) or 0
        for epoch in self._ahead:
            if epoch >= last:
                here, there, slope = self._steps[epoch]
                value = there + slope * (value - here)
        return self._sign * value, _DOUBT if self._complete else 1.0


def _step(ended: Sequence[FrozenTrial], epoch: int, objective: int) -> tuple[float, float, float]:
    """Of those that went on from `epoch` to the next stop: their means before and after, and the slope between."""
    stops = {last for t in ended if (last := last_epoch(t)) is not None and last > epoch}
    if not stops:
        return 0.0, 0.0, 1.0
    after = min(stops)
    pairs = [
        (here, there)
        for t in ended
        if (here := reported(t, epoch, objective)) is not None and (there := reported(t, after, objective)) is not None
    ]
    if not pairs:
        return 0.0, 0.0, 1.0
    before, then = np.array(pairs).T
    spread = float(before.var()) * len(pairs)
    # Drawn towards 1 as if by two more trials of the same spread: few trials say little of a slope.
    pull = 2.0 * float(before.var()) + 1e-12
    covariance = float(((before - before.mean()) * (then - then.mean())).sum())
    slope = min(max((covariance + pull) / (spread + pull), 0.2), 2.0)
    return float(before.mean()), float(then.mean()), slope


def weighed(scores: Numbers, rng: random.Random) -> Numbers:
    """One score for every row: ParEGO's augmented Chebyshev function, turned so that greater is better.

    Weights are drawn evenly from those that are tenths and sum up to 1.
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


def fenced(scores: Numbers) -> Numbers:
    """Scores without low outliers, which would leave a model no eye for the differences among the good."""
    if len(scores) < 3:
        return scores
    middle, upper = np.quantile(scores, (0.5, 0.75))
    width = float(upper - middle) or float(scores.std())
    return np.maximum(scores, float(middle) - _FENCE * width)
