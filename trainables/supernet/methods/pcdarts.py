"""PC-DARTS: Partial Channel Connections (Xu et al. 2020, arXiv 1907.05737)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from trainables.supernet.decisions import Decision
from trainables.supernet.methods.base import Method

__all__ = ["PartialChannelDarts"]


class PartialChannelDarts(Method):
    """DARTS with another vector for each node, whose softmax weighs the edges (edge normalization).

    The other half of the paper, operations on a fourth of the channels, is a setting of the network: `partial=4`. In
    the paper the first 15 of 50 epochs train weights only. The learning rates are 0.1 for weights and 6e-4 for the
    architecture, with 256 images per batch.
    """

    paper: ClassVar[str] = "arXiv 1907.05737"
    needs: ClassVar[Mapping[str, object]] = {"partial": 4}
    recipe: ClassVar[Mapping[str, object]] = {"batch_size": 256, "lr": 0.1, "architecture_lr": 6e-4}
    warmup: ClassVar[float] = 0.3

    def owns(self, decision: Decision) -> bool:
        return True
