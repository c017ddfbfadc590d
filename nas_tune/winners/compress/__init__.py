"""Compression of a trial's network: it is pruned, trained further and quantized, and each step is measured."""

from __future__ import annotations

from nas_tune.winners.compress.compressing import compress
from nas_tune.winners.compress.compression import Compression

__all__ = ["Compression", "compress"]
