"""Asynchronous successive halving in its promotion form (Li et al., MLSys 2020, arXiv 1810.05934, Algorithm 2).

Every trial pauses at each rung. Whenever a worker is free, the highest rung that has a paused trial among the best
`1 / reduction` of all that have reached it (rounded down) sends its best such trial on; only if no rung has one is
a new trial begun. So none passes because it came first, and one that looked poor early may go on later; the price
is a checkpoint for every paused trial. With several objectives the best of a rung are those on the first fronts, and
within a front those that stand alone (`nas_tune.objectives.pareto`).
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
"""A trial's score, turned so that the least is the best, and its number: the earlier of equals is the better."""


@dataclass(slots=True)
class _Rung:
    """All that ever reached it, and those of them that wait there; both the best first."""

    reached: list[_Place] = field(default_factory=list)
    waiting: list[_Place] = field(default_factory=list)

    def reach(self, trial: int, score: float) -> None:
        """The trial has come here."""
        bisect.insort(self.reached, (-score, trial))

    def wait(self, trial: int, score: float) -> None:
        """It waits here."""
        bisect.insort(self.waiting, (-score, trial))

    def leave(self, trial: int, score: float) -> None:
        """It waits no more."""
        self.waiting.remove((-score, trial))

    def candidate(self, reduction: int) -> int | None:
        """The best that waits, if it is among the best `1 / reduction` of all."""
        if not self.waiting:
            return None
        best = self.waiting[0]
        return best[1] if bisect.bisect_left(self.reached, best) < len(self.reached) // reduction else None


@dataclass(slots=True)
class _FrontRung:
    """The same for several objectives, where each that comes may change the order of all others."""

    reached: list[tuple[int, tuple[float, ...]]] = field(default_factory=list)
    waiting: set[int] = field(default_factory=set)
    _order: list[int] | None = None
    """Of the best trials, as far as they matter; None when somebody has come since."""

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
        self._fields: dict[int, Any] = {}
        self._passed: dict[int, int] = {}
        self._waits: dict[int, tuple[int, Score]] = {}

    def observe(self, trial: int, epoch: int, score: Score) -> Verdict:
        """Pause at every rung."""
        before = self._passed.get(trial, 0)
        self._passed[trial] = epoch
        reached = [rung for rung in self.rungs if before < rung <= epoch]
        if not reached:
            return Verdict.GO_ON
        kind = _FrontRung if isinstance(score, tuple) else _Rung
        for rung in reached:
            self._fields.setdefault(rung, kind()).reach(trial, score)
        # A report that jumps over rungs was promoted from those below the last.
        self._fields[reached[-1]].wait(trial, score)
        self._waits[trial] = (reached[-1], score)
        return Verdict.PAUSE

    def next_promotion(self) -> int | None:
        """From the highest rung that has a candidate."""
        fields = (self._fields[rung] for rung in reversed(self.rungs) if rung in self._fields)
        candidates = (field.candidate(self.reduction) for field in fields)
        return next((trial for trial in candidates if trial is not None), None)

    def promoted(self, trial: int) -> None:
        """It waits no more; its score at the rung stays."""
        rung, score = self._waits.pop(trial)
        self._fields[rung].leave(trial, score)

    def forget(self, trial: int) -> None:
        """Scores at the rungs stay: they are what later trials are measured against."""
        self._passed.pop(trial, None)
        if trial in self._waits:
            self.promoted(trial)
