"""Virtual time: it passes only when the program advances it."""

from __future__ import annotations

__all__ = ["VirtualClock"]


class VirtualClock:
    """A clock whose time changes only when its `now` is set.

    Args:
        now: the time at the start, in seconds.
    """

    def __init__(self, now: float = 0.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
