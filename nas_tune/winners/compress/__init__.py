"""From a run to a smaller network: that of a trial pruned, trained on and quantized, with what it costs and gains."""

from __future__ import annotations

from nas_tune.winners.compress.compressing import compress
from nas_tune.winners.compress.compression import Compression

__all__ = ["Compression", "compress"]
