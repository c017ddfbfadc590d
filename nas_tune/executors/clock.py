"""Time that passes only when somebody says so."""

from __future__ import annotations

__all__ = ["VirtualClock"]


class VirtualClock:
    """Seconds, as `now` says."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
