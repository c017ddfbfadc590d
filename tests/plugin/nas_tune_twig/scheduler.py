"""A scheduler that ends every trial at one epoch."""

from __future__ import annotations

from nas_tune.schedulers.base import NeverPauses, Score, Verdict

__all__ = ["Scheduler"]


class Scheduler(NeverPauses):
    """Stops each trial after `last` epochs."""

    def __init__(self, max_epochs: int, last: int = 2) -> None:
        self.last = min(last, max_epochs)

    def observe(self, trial: int, epoch: int, score: Score) -> Verdict:
        return Verdict.STOP if epoch >= self.last else Verdict.GO_ON

    def forget(self, trial: int) -> None:
        """Nothing is kept."""
