"""Asynchronous successive halving in its stopping form (Li et al., MLSys 2020, arXiv 1810.05934).

Rungs are at `grace * reduction ** k` epochs below `max_epochs`. A trial that reaches a rung goes on if its score
is among the best `1 / reduction` (rounded down, but at least one) of all that have reached that rung so far,
itself included. The first one therefore passes whatever its score, which is the price of never waiting.

With several objectives the trials of a rung are ordered by front and then by crowding distance
(`nas_tune.objectives.pareto`), as by Schmucker, Donini, Zafar, Salinas and Archambeau (2021, arXiv 2106.12639).
"""

from __future__ import annotations

import bisect
from typing import Any

from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import several_objectives
from nas_tune.objectives.pareto import passes
from nas_tune.schedulers.base import NeverPauses, Score, Verdict

__all__ = ["Asha", "rungs"]


def rungs(grace: int, reduction: int, max_epochs: int) -> tuple[int, ...]:
    """Compute the epochs of the rungs.

    Args:
        grace: epoch of the first rung.
        reduction: factor from one rung to the next.
        max_epochs: length of a full training, in epochs.

    Returns:
        `grace * reduction ** k` for k = 0, 1, .., as far as it is below `max_epochs`; ascending.

    Raises:
        ConfigError: `grace` is below 1 or above `max_epochs`, or `reduction` is below 2.
    """
    if reduction < 2:
        raise ConfigError(f"scheduler.reduction is {reduction}; a rung keeps 1/reduction, so it is at least 2")
    if not 1 <= grace <= max_epochs:
        raise ConfigError(f"scheduler.grace is {grace}; it lies between 1 and max_epochs = {max_epochs}")
    found = []
    epoch = grace
    while epoch < max_epochs:
        found.append(epoch)
        epoch *= reduction
    return tuple(found)


@several_objectives
class Asha(NeverPauses):
    """One bracket of asynchronous successive halving.

    Args:
        max_epochs: length of a full training.
        grace: epochs that every trial may train before it is judged (default: 1).
        reduction: one in `reduction` trials passes a rung (the paper's eta; default: 3).
    """

    def __init__(self, max_epochs: int, grace: int = 1, reduction: int = 3) -> None:
        self.reduction = reduction
        self.rungs = rungs(grace, reduction, max_epochs)
        self._scores: dict[int, list[Any]] = {rung: [] for rung in self.rungs}
        self._passed: dict[int, int] = {}

    def observe(self, trial: int, epoch: int, score: Score) -> Verdict:
        """Judge the trial at every rung that it has reached since its last report."""
        before = self._passed.get(trial, 0)
        self._passed[trial] = epoch
        reached = [rung for rung in self.rungs if before < rung <= epoch]
        # A list, not a generator: the score counts at every rung reached, even if the trial stops at the first of them.
        stops = [self._stops_at(rung, score) for rung in reached]
        return Verdict.STOP if any(stops) else Verdict.GO_ON

    def forget(self, trial: int) -> None:
        """Keep the trial's scores at the rungs, since later trials are compared with them."""
        self._passed.pop(trial, None)

    def _stops_at(self, rung: int, score: Score) -> bool:
        scores = self._scores[rung]
        if isinstance(score, tuple):
            scores.append(score)
            return not passes(scores, max(1, len(scores) // self.reduction))
        bisect.insort(scores, score)
        kept = max(1, len(scores) // self.reduction)
        return bool(score < scores[-kept])
