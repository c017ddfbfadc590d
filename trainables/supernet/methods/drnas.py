"""DrNAS: Dirichlet Neural Architecture Search (Chen et al. 2021, arXiv 2006.10355)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.distributions import Dirichlet, kl_divergence
from torch.nn import functional

from trainables.settings import check_number
from trainables.supernet.decisions import Decision
from trainables.supernet.methods.base import Draws, Method

__all__ = ["DrNas"]


class DrNas(Method):
    """Draws the weights of each step from a Dirichlet distribution of concentration `elu(alpha) + 1`.

    Gradients pass through the draw by its implicit derivative. Options are compared by their mean. The paper's partial
    channels and its two stages are settings of network and search.

    Args:
        anchor: the factor of a penalty, the divergence of the distribution from the even one of concentration 1; 1e-3
            in the paper.
    """

    paper: ClassVar[str] = "arXiv 2006.10355"
    recipe: ClassVar[Mapping[str, object]] = {"architecture_lr": 6e-4, "architecture_weight_decay": 0.0}

    def __init__(self, anchor: float = 1e-3) -> None:
        super().__init__()
        check_number("anchor", anchor, 0)
        self.anchor = anchor
        self.drawn: dict[str, Tensor] = {}

    @torch.no_grad()
    def draw(self, draws: Draws) -> None:
        for name in self.owned():
            self.drawn[name] = torch._sample_dirichlet(self._concentration(name), generator=draws.device)

    def weights(self, decision: Decision, alpha: Tensor) -> Tensor:
        """Return the drawn weights in training, otherwise their mean.

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
        if decision.name not in self.drawn:
            raise RuntimeError("DrNAS draws its weights; call begin_step before a forward in training")
        part: Tensor = _Drawn.apply(self._concentration(decision.name), self.drawn[decision.name])
        if decision.name not in self.kept:
            return part
        return torch.zeros_like(alpha).index_copy(0, self.left_indices(decision.name), part)

    def expected(self, decision: Decision, alpha: Tensor) -> Tensor:
        concentration = functional.elu(self.masked(decision, alpha)) + 1
        return concentration / concentration.sum()

    def penalty(self) -> Tensor | None:
        if not self.anchor or not self.decisions:
            return None
        divergences = []
        for name in self.owned():
            drawn = Dirichlet(self._concentration(name), validate_args=False)
            even = Dirichlet(torch.ones_like(drawn.concentration), validate_args=False)
            divergences.append(kl_divergence(drawn, even))
        return self.anchor * torch.stack(divergences).sum()

    def _concentration(self, name: str) -> Tensor:
        """Return the concentration of the options that are left, at least 1e-4: the distribution needs it above 0."""
        left = self.only_left(name, self.alpha(name))
        return (functional.elu(left) + 1).clamp_min(1e-4)


class _Drawn(torch.autograd.Function):
    """Returns an earlier draw, with its derivative by the concentration."""

    @staticmethod
    def forward(context: Any, concentration: Tensor, drawn: Tensor) -> Tensor:
        context.save_for_backward(concentration, drawn)
        return drawn.clone()

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        concentration, drawn = context.saved_tensors
        total = concentration.sum(-1, keepdim=True).expand_as(concentration)
        slope = torch._dirichlet_grad(drawn, concentration, total)
        return slope * (gradient - (drawn * gradient).sum(-1, keepdim=True)), None
