"""Asynchronous successive halving in its promotion form (Li et al., MLSys 2020, arXiv 1810.05934, Algorithm 2).

Every trial pauses at each rung. A paused trial is a candidate for promotion if it is among the best `1 / reduction`
(rounded down) of all that have reached its rung. When a worker is free, the best candidate of the highest rung that has
one is promoted; a new trial begins only if no rung has a candidate. So no trial passes because it came first, and one
that looked poor early may go on later; the price is a checkpoint for every paused trial. With several objectives the
trials of a rung are ordered by front and then by crowding distance (`nas_tune.objectives.pareto`).
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import Any

from nas_tune.objectives.objective import several_objectives
from nas_tune.objectives.pareto import best_first
from nas_tune.schedulers.asha import rungs
from nas_tune.schedulers.base import Score, Verdict

__all__ = ["AshaPromote"]

_Place = tuple[float, int]
"""The negative score of a trial and its number: tuples in ascending order have the best first, and ties by number."""


@dataclass(slots=True)
class _Rung:
    """A rung of one objective: the places of all trials that ever reached it, and of those paused there, best first."""

    reached: list[_Place] = field(default_factory=list)
    waiting: list[_Place] = field(default_factory=list)

    def reach(self, trial: int, score: float) -> None:
        """Record the score with which a trial reached the rung."""
        bisect.insort(self.reached, (-score, trial))

    def wait(self, trial: int, score: float) -> None:
        """Record that the trial is paused at the rung."""
        bisect.insort(self.waiting, (-score, trial))

    def leave(self, trial: int, score: float) -> None:
        """Record that the trial is no longer paused at the rung."""
        self.waiting.remove((-score, trial))

    def candidate(self, reduction: int) -> int | None:
        """Find the trial to promote: the best paused one, if it is among the best `1 / reduction` of all."""
        if not self.waiting:
            return None
        best = self.waiting[0]
        return best[1] if bisect.bisect_left(self.reached, best) < len(self.reached) // reduction else None


@dataclass(slots=True)
class _FrontRung:
    """A rung of several objectives, where each new trial may change the order of all others."""

    reached: list[tuple[int, tuple[float, ...]]] = field(default_factory=list)
    waiting: set[int] = field(default_factory=set)
    _order: list[int] | None = None
    """The best `1 / reduction` trials in order; None after another trial has reached the rung."""

    def reach(self, trial: int, score: tuple[float, ...]) -> None:
        bisect.insort(self.reached, (trial, score))
        self._order = None

    def wait(self, trial: int, score: tuple[float, ...]) -> None:
        self.waiting.add(trial)

    def leave(self, trial: int, score: tuple[float, ...]) -> None:
        self.waiting.remove(trial)

    def candidate(self, reduction: int) -> int | None:
        if not self.waiting:
            return None
        if self._order is None:
            kept = len(self.reached) // reduction
            places = best_first([score for _, score in self.reached], kept)[:kept]
            self._order = [self.reached[place][0] for place in places]
        return next((trial for trial in self._order if trial in self.waiting), None)


@several_objectives
class AshaPromote:
    """One bracket of asynchronous successive halving that pauses and promotes.

    Args:
        max_epochs: length of a full training.
        grace: epochs of the first rung (default: 1).
        reduction: one in `reduction` trials is promoted from a rung (the paper's eta; default: 3).
    """

    pauses = True

    def __init__(self, max_epochs: int, grace: int = 1, reduction: int = 3) -> None:
        self.reduction = reduction
        self.rungs = rungs(grace, reduction, max_epochs)
        self._rungs: dict[int, Any] = {}
        self._passed: dict[int, int] = {}
        self._waits: dict[int, tuple[int, Score]] = {}

    def observe(self, trial: int, epoch: int, score: Score) -> Verdict:
        """Pause the trial if it has reached a rung since its last report."""
        before = self._passed.get(trial, 0)
        self._passed[trial] = epoch
        reached = [rung for rung in self.rungs if before < rung <= epoch]
        if not reached:
            return Verdict.GO_ON
        kind = _FrontRung if isinstance(score, tuple) else _Rung
        for rung in reached:
            self._rungs.setdefault(rung, kind()).reach(trial, score)
        # A report may pass several rungs at once: the trial pauses at the last of them.
        self._rungs[reached[-1]].wait(trial, score)
        self._waits[trial] = (reached[-1], score)
        return Verdict.PAUSE

    def next_promotion(self) -> int | None:
        """Choose the candidate of the highest rung that has one."""
        for rung in reversed(self.rungs):
            candidate: int | None = self._rungs[rung].candidate(self.reduction) if rung in self._rungs else None
            if candidate is not None:
                return candidate
        return None

    def promoted(self, trial: int) -> None:
        """End the trial's pause; its score stays at the rung."""
        rung, score = self._waits.pop(trial)
        self._rungs[rung].leave(trial, score)

    def forget(self, trial: int) -> None:
        """Keep the trial's scores at the rungs, since later trials are compared with them; end its pause, if any."""
        self._passed.pop(trial, None)
        if trial in self._waits:
            self.promoted(trial)
