"""SNAS: Stochastic Neural Architecture Search (Xie et al. 2019, arXiv 1812.09926)."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from trainables.settings import check_number
from trainables.supernet.decisions import Decision
from trainables.supernet.methods.base import Draws, Method
from trainables.supernet.methods.sampling import gumbel

__all__ = ["Snas"]


class Snas(Method):
    """Draws the weights of each step from a concrete distribution, which approaches one-hot as its temperature falls.

    As in the paper, weights and architecture learn from the same images: there is one objective, not two. The paper
    states no temperatures: here they fall exponentially from 1 to 0.1. The paper's resource constraints are left out.

    Args:
        temperature: the temperature at the beginning of the search.
        coldest: the temperature at the end.
    """

    paper: ClassVar[str] = "arXiv 1812.09926"
    single_level: ClassVar[bool] = True

    def __init__(self, temperature: float = 1.0, coldest: float = 0.1) -> None:
        super().__init__()
        check_number("temperature", temperature, 0, open_low=True)
        check_number("coldest", coldest, 0, temperature, open_low=True)
        self.first, self.coldest = temperature, coldest
        self.temperature = temperature
        self.noise: dict[str, Tensor] = {}

    def advance(self, progress: float) -> None:
        self.temperature = self.first * (self.coldest / self.first) ** progress

    @torch.no_grad()
    def draw(self, draws: Draws) -> None:
        self.noise = gumbel(self.owned(), draws.device)

    def weights(self, decision: Decision, alpha: Tensor) -> Tensor:
        """Return the drawn weights in training, otherwise the softmax.

        Args:
            decision: a decision with a vector.
            alpha: its vector (options,).

        Returns:
            (options,).

        Raises:
            RuntimeError: nothing was drawn before a forward in training.
        """
        if not self.training:
            return self.expected(decision, alpha)
        if decision.name not in self.noise:
            raise RuntimeError("SNAS draws its weights; call begin_step before a forward in training")
        logarithms = torch.log_softmax(self.masked(decision, alpha), 0)
        return torch.softmax((logarithms + self.noise[decision.name]) / self.temperature, 0)
