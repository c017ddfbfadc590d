"""P-DARTS: Progressive Differentiable Architecture Search (Chen et al. 2019, arXiv 1904.12760)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from trainables.errors import TrainableError
from trainables.settings import check_number
from trainables.supernet.decisions import Decision
from trainables.supernet.methods.base import Method, SearchStage
from trainables.supernet.mixing import Mix

__all__ = ["ProgressiveDarts"]


class ProgressiveDarts(Method):
    """DARTS in stages: each has a deeper network, trained from scratch, and fewer options for every decision.

    The defaults are the paper's on CIFAR-10. Networks have 5, 11 and 17 cells, and decisions all, 5 and 3 options.
    Values of skip connections are dropped with an initial probability of 0, 0.4 and 0.7. The architecture has two skip
    connections in each kind of cell (the authors limit those of the normal cell only). In the paper the first 10 of 25
    epochs of a stage train weights only. The probability falls exponentially by a factor of e^3 until the end of a
    stage; that of the authors falls linearly during the epochs for weights only, and exponentially after them.

    Args:
        added: for each stage, the number of cells that its network has in addition to its settings.
        options: for each stage but the first, how many options of every decision are left at its beginning.
        skip_dropout: for each stage, the probability at its beginning.
        most_skips: the most skip connections in each kind of cell of the architecture.
    """

    paper: ClassVar[str] = "arXiv 1904.12760"
    recipe: ClassVar[Mapping[str, object]] = {"batch_size": 96, "architecture_lr": 6e-4}
    warmup: ClassVar[float] = 0.4

    def __init__(
        self,
        added: Sequence[int] = (0, 6, 12),
        options: Sequence[int] = (5, 3),
        skip_dropout: Sequence[float] = (0.0, 0.4, 0.7),
        most_skips: int = 2,
    ) -> None:
        super().__init__()
        if not (len(added) == len(skip_dropout) == len(options) + 1):
            raise TrainableError(
                f"added={list(added)}, options={list(options)}, skip_dropout={list(skip_dropout)}: give as many added "
                "as skip_dropout, one for each stage, and options for all stages but the first"
            )
        check_number("most_skips", most_skips, 0, whole=True)
        for cells, dropout in zip(added, skip_dropout, strict=True):
            check_number("added", cells, 0, whole=True)
            check_number("skip_dropout", dropout, 0, 0.99)
        for left in options:
            check_number("options", left, 1, whole=True)
        self.stages = tuple(map(SearchStage, added, (None, *options), skip_dropout))
        self.most_skips = most_skips
        self.skip_dropout = self._first = skip_dropout[0]

    def begin_stage(self, stage: SearchStage, kept: Mapping[str, tuple[int, ...]]) -> None:
        super().begin_stage(stage, kept)
        self.skip_dropout = self._first = stage.skip_dropout

    def advance(self, progress: float) -> None:
        self.skip_dropout = self._first * math.exp(-3 * progress)

    def mixed(self, decision: Decision) -> Mix:
        mix = super().mixed(decision)
        return replace(mix, skip_dropout=self.skip_dropout) if decision.kind == "layer" else mix
