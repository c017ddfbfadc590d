"""One trained supernet, the best architecture for each of several limits."""

from __future__ import annotations

from nas_tune.winners.specialize.specializing import specialize

__all__ = ["specialize"]
