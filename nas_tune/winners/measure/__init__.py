"""What networks, architectures and the best members of a run cost on a device."""

from __future__ import annotations

from nas_tune.winners.measure.measuring import measure

__all__ = ["measure"]
