"""Every trial trains to its last epoch."""

from __future__ import annotations

from nas_tune.schedulers.base import NeverPauses, Score, Verdict

__all__ = ["NoScheduler"]


class NoScheduler(NeverPauses):
    """Stops nothing."""

    def observe(self, trial: int, epoch: int, score: Score) -> Verdict:
        """Never stops."""
        return Verdict.GO_ON

    def forget(self, trial: int) -> None:
        """Nothing to forget."""
