"""GDAS: Searching for a Robust Neural Architecture in Four GPU Hours (Dong and Yang 2019, arXiv 1910.04465)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from trainables.settings import check_number
from trainables.supernet.decisions import Decision
from trainables.supernet.methods.base import Draws, Method
from trainables.supernet.methods.sampling import gumbel
from trainables.supernet.mixing import Mix

__all__ = ["Gdas"]


class Gdas(Method):
    """Computes one option of each decision per step, drawn by the Gumbel-max trick.

    Its weight has the value 1 and the gradient of the softmax at a temperature that falls linearly over the search.
    Python needs the number of the option: on a GPU this is the only time in a step that the host waits.

    Args:
        temperature: the temperature of the softmax at the beginning; 10 in the paper.
        coldest: the temperature at the end; 0.1 in the paper.
    """

    paper: ClassVar[str] = "arXiv 1910.04465"
    recipe: ClassVar[Mapping[str, object]] = {"weight_decay": 5e-4}
    is_hard: ClassVar[bool] = True

    def __init__(self, temperature: float = 10.0, coldest: float = 0.1) -> None:
        super().__init__()
        check_number("temperature", temperature, 0, open_low=True)
        check_number("coldest", coldest, 0, temperature, open_low=True)
        self.first, self.coldest = temperature, coldest
        self.temperature = temperature
        self.noise: dict[str, Tensor] = {}
        self.chosen: dict[str, int] = {}

    def advance(self, progress: float) -> None:
        self.temperature = self.first + (self.coldest - self.first) * progress

    @torch.no_grad()
    def draw(self, draws: Draws) -> None:
        owned = self.owned()
        self.noise = gumbel(owned, draws.device)
        self.chosen = self._argmax({name: alpha + self.noise[name] for name, alpha in owned.items()})

    def mixes(self) -> dict[str, Mix]:
        """Return one option of each decision: the drawn one in training, otherwise the strongest.

        Returns:
            The mix of every decision, by name.

        Raises:
            RuntimeError: nothing was drawn before a forward in training.
        """
        if self.training and not self.chosen:
            raise RuntimeError("GDAS computes what was drawn; call begin_step before a forward in training")
        chosen = self.chosen if self.training else self._argmax(self.owned())
        mixes = {}
        for name, decision in self.decisions.items():
            mixes[name] = self._one(decision, chosen[name]) if self.owns(decision) else Mix(self.left(decision))
        return mixes

    def _one(self, decision: Decision, index: int) -> Mix:
        """Return the mix of one option, with the gradient of the softmax where the architecture learns."""
        alpha = self.alpha(decision.name)
        if not (self.training and alpha.requires_grad and torch.is_grad_enabled()):
            return Mix((index,), self.scaled(decision, torch.ones_like(alpha)) if decision.high > 1 else None)
        noise = self.noise[decision.name]
        soft = torch.softmax((torch.log_softmax(self.masked(decision, alpha), 0) + noise) / self.temperature, 0)
        return Mix((index,), self.scaled(decision, 1 + soft - soft.detach()))

    def _argmax(self, scores: dict[str, Tensor]) -> dict[str, int]:
        """Return the best option of every decision; the host waits for the device once."""
        best = [self.masked(self.decisions[name], score).argmax() for name, score in scores.items()]
        return dict(zip(scores, torch.stack(best).tolist() if best else [], strict=True))
