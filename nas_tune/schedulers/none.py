"""Every trial trains to its last epoch."""

from __future__ import annotations

from nas_tune.objectives.objective import several_objectives
from nas_tune.schedulers.base import NeverPauses, Scheduler, Score, Verdict

__all__ = ["NoScheduler", "no_scheduler"]


class NoScheduler(NeverPauses):
    """Stops nothing."""

    def observe(self, trial: int, epoch: int, score: Score) -> Verdict:
        """Never stops."""
        return Verdict.GO_ON

    def forget(self, trial: int) -> None:
        """Nothing to forget."""


@several_objectives
def no_scheduler(max_epochs: int) -> Scheduler:
    """Every trial trains to its last epoch."""
    return NoScheduler()
