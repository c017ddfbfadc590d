"""FairDARTS, without unfair advantages of skip connections (Chu et al. 2020, arXiv 1911.12126)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from trainables.settings import check_number
from trainables.supernet.decisions import Decision
from trainables.supernet.methods.base import Method

__all__ = ["FairDarts"]


class FairDarts(Method):
    """Weights every option by a sigmoid, so that no option gains by another's loss.

    The zero-one loss, minus `zero_one` times the mean of (sigmoid - 0.5)^2, drives the weights to 0 or 1. The paper
    takes the options above a threshold, at most two edges per node; here the two best are taken, as in DARTS. The
    candidate `none` has no effect.

    Args:
        zero_one: the factor of the zero-one loss; 10 in the paper.
    """

    paper: ClassVar[str] = "arXiv 1911.12126"

    def __init__(self, zero_one: float = 10.0) -> None:
        super().__init__()
        check_number("zero_one", zero_one, 0)
        self.zero_one = zero_one

    def expected(self, decision: Decision, alpha: Tensor) -> Tensor:
        return torch.sigmoid(self.masked(decision, alpha))

    def scaled(self, decision: Decision, weights: Tensor) -> Tensor:
        return weights

    def penalty(self) -> Tensor | None:
        owned = self.owned()
        if not self.zero_one or not owned:
            return None
        left = torch.cat([self.only_left(name, alpha) for name, alpha in owned.items()])
        return -self.zero_one * (torch.sigmoid(left) - 0.5).square().mean()
