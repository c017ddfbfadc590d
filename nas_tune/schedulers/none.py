"""Every trial trains to its last epoch."""

from __future__ import annotations

from nas_tune.objectives.objective import several_objectives
from nas_tune.schedulers.base import NeverPauses, Scheduler, Score, Verdict

__all__ = ["NoScheduler", "no_scheduler"]


class NoScheduler(NeverPauses):
    """Stops no trial."""

    def observe(self, trial: int, epoch: int, score: Score) -> Verdict:
        """Let the trial go on."""
        return Verdict.GO_ON

    def forget(self, trial: int) -> None:
        """Do nothing: no trial is remembered."""


@several_objectives
def no_scheduler(max_epochs: int) -> Scheduler:
    """Make a scheduler that lets every trial train to its last epoch.

    Args:
        max_epochs: unused; every scheduler takes it.

    Returns:
        The scheduler.
    """
    return NoScheduler()
