"""Every trial trains to its last epoch."""

from __future__ import annotations

__all__ = ["NoScheduler"]


class NoScheduler:
    """Stops nothing."""

    def observe(self, trial: int, epoch: int, score: float) -> bool:
        """Never stops."""
        return False

    def forget(self, trial: int) -> None:
        """Nothing to forget."""
