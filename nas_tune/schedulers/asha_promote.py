"""Asynchronous successive halving in its promotion form (Li et al., MLSys 2020, arXiv 1810.05934, Algorithm 2).

Every trial pauses at each rung. Whenever a worker is free, the highest rung that has a paused trial among the best
`1 / reduction` of all that have reached it (rounded down) sends its best such trial on; only if no rung has one is
a new trial begun. So none passes because it came first, and one that looked poor early may go on later; the price
is a checkpoint for every paused trial.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field

from nas_tune.schedulers.asha import rungs
from nas_tune.schedulers.base import Verdict

__all__ = ["AshaPromote"]

_Place = tuple[float, int]
"""A trial's score, turned so that the least is the best, and its number: the earlier of equals is the better."""


@dataclass(slots=True)
class _Rung:
    """All that ever reached it, and those of them that wait there; both the best first."""

    reached: list[_Place] = field(default_factory=list)
    waiting: list[_Place] = field(default_factory=list)

    def candidate(self, reduction: int) -> int | None:
        """The best that waits, if it is among the best `1 / reduction` of all."""
        if not self.waiting:
            return None
        best = self.waiting[0]
        return best[1] if bisect.bisect_left(self.reached, best) < len(self.reached) // reduction else None


class AshaPromote:
    """One bracket of asynchronous successive halving that pauses and promotes.

    Args:
        max_epochs: length of a full training.
        grace: epochs of the first rung.
        reduction: one in `reduction` trials is promoted from a rung (the paper's eta).
    """

    pauses = True

    def __init__(self, max_epochs: int, grace: int = 1, reduction: int = 3) -> None:
        self.reduction = reduction
        self.rungs = rungs(grace, reduction, max_epochs)
        self._fields = {rung: _Rung() for rung in self.rungs}
        self._passed: dict[int, int] = {}
        self._waits: dict[int, tuple[_Rung, _Place]] = {}

    def observe(self, trial: int, epoch: int, score: float) -> Verdict:
        """Pause at every rung."""
        before = self._passed.get(trial, 0)
        self._passed[trial] = epoch
        reached = [self._fields[rung] for rung in self.rungs if before < rung <= epoch]
        if not reached:
            return Verdict.GO_ON
        place = (-score, trial)
        for rung in reached:
            bisect.insort(rung.reached, place)
        # A report that jumps over rungs was promoted from those below the last.
        bisect.insort(reached[-1].waiting, place)
        self._waits[trial] = (reached[-1], place)
        return Verdict.PAUSE

    def next_promotion(self) -> int | None:
        """From the highest rung that has a candidate."""
        candidates = (self._fields[rung].candidate(self.reduction) for rung in reversed(self.rungs))
        return next((trial for trial in candidates if trial is not None), None)

    def promoted(self, trial: int) -> None:
        """It waits no more; its score at the rung stays."""
        rung, place = self._waits.pop(trial)
        rung.waiting.remove(place)

    def forget(self, trial: int) -> None:
        """Scores at the rungs stay: they are what later trials are measured against."""
        self._passed.pop(trial, None)
        if trial in self._waits:
            self.promoted(trial)
