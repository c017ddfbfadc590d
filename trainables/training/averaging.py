"""The exponential moving average of a network's weights, which is evaluated in place of the weights."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["WeightAverage"]


class WeightAverage:
    """A second network that follows `source`: after t steps (t from 1) with the decay min(decay, (1 + t) / (10 + t)).

    The decay grows so that the first, random weights are soon forgotten (Tan and Le 2019, 1905.11946). Parameters and
    floating buffers (the statistics of normalisations, which would not fit averaged weights) are averaged; other
    buffers, such as counts, are copied.

    Args:
        source: the network to follow.
        decay: the greatest decay a step, such as 0.999.
    """

    def __init__(self, source: nn.Module, decay: float) -> None:
        self._decay, self._steps = decay, 0
        self.network = copy.deepcopy(source)
        pairs = list(zip(_tensors(self.network), _tensors(source), strict=True))
        self._averaged = [pair for pair in pairs if pair[0].is_floating_point()]
        self._copied = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def follow(self) -> None:
        """Update the average after one more training step of the source."""
        self._steps += 1
        decay = min(self._decay, (1 + self._steps) / (10 + self._steps))
        mine, theirs = [list(tensors) for tensors in zip(*self._averaged, strict=True)]
        torch._foreach_lerp_(mine, theirs, 1 - decay)
        for own, other in self._copied:
            own.copy_(other)

    def state_dict(self) -> dict[str, object]:
        """The averaged weights, and after how many steps.

        Returns:
            The state of the averaged network, and the number of steps.
        """
        return {"network": self.network.state_dict(), "steps": self._steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state` was taken.

        Args:
            state: what `state_dict` gave.
        """
        self.network.load_state_dict(state["network"])
        self._steps = int(state["steps"])


def _tensors(network: nn.Module) -> list[Tensor]:
    return [*network.parameters(), *network.buffers()]
